/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The privileged half: what is opened before there is a worker, and what is done after the
 * last one. Between them monitor_run (loader/monitor/).
 *
 * A reload is this program executed anew in the same process, by the path that it was started
 * with: so it is a new version if one has been installed there. What it leaves open is
 * closed by the kernel, and what is to stay is pinned: the same as after a kill.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/vfs.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "loader/base/log.h"
#include "loader/control/managed.h"
#include "loader/daemon.h"
#include "loader/monitor/monitor.h"
#include "loader/persist.h"
#include "loader/wires.h"

#define RELOADED "L2XDPD_RELOADED" /* in the environment: executed by itself */
#define AGAIN_S 10 /* after a reload that failed beyond what the check can know */
#define FAILED_S 2 /* a service manager starts it again, and not too fast */
#define LOCK_TRIES 40 /* of 50 ms: the worker of a killed daemon ends in a moment */
#define CHECK_LIMIT_MS 60000
#define LEAVE_LIMIT_MS 10000
#define CLOSE_LIMIT_MS 15000
#define RECORD_LIMIT_MS 20000 /* of the store; it takes microseconds */

/* ---- files --------------------------------------------------------------------------------- */

int daemon_load(const struct options *o, struct config **ret_cfg, struct users **ret_users)
{
	struct config *cfg = NULL;
	char err[DAEMON_ERRLEN];

	if ((o->changed ? config_load_changed : config_load)(o->config, &cfg, err, sizeof(err))) {
		fprintf(stderr, "%s\n", err);
		return EXIT_CONFIG;
	}
	if (cfg->users && users_load(cfg->users, ret_users, err, sizeof(err))) {
		fprintf(stderr, "%s\n", err);
		config_free(cfg);
		return EXIT_CONFIG;
	}
	*ret_cfg = cfg;
	return EXIT_OK;
}

static void make_directories(const char *path)
{
	char part[PATH_MAX];

	if (snprintf(part, sizeof(part), "%s", path) >= (int)sizeof(part))
		return;
	for (char *p = part + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		mkdir(part, 0755);
		*p = '/';
	}
	mkdir(part, 0700); /* what is in the way shows when the lock is opened */
}

int daemon_lock(const struct config *cfg, char *err, size_t errlen)
{
	char path[PATH_MAX], pid[16] = "";
	int fd, rc;

	make_directories(cfg->run_dir);
	if (snprintf(path, sizeof(path), "%s/lock", cfg->run_dir) >= (int)sizeof(path))
		path[0] = '\0';
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		rc = -errno;
		snprintf(err, errlen, "%s: %s; start l2xdpd as root, or check runtime-directory",
			 path, strerror(-rc));
		return rc;
	}
	for (int tries = 0; flock(fd, LOCK_EX | LOCK_NB); tries++) {
		if (errno == EWOULDBLOCK && tries < LOCK_TRIES) {
			usleep(50000);
			continue;
		}
		rc = -errno;
		if (pread(fd, pid, sizeof(pid) - 1, 0) < 0)
			pid[0] = '\0';
		pid[strcspn(pid, "\n")] = '\0';
		snprintf(err, errlen,
			 "another l2xdpd (process %s) runs with runtime-directory %s; stop it, or "
			 "give this one another directory",
			 *pid ? pid : "?", cfg->run_dir);
		close(fd);
		return rc;
	}
	if (ftruncate(fd, 0) || dprintf(fd, "%d\n", (int)getpid()) < 0)
		log_debug(NULL, "%s: %s", path, strerror(errno));
	return fd;
}

/* What would be found out only when packets do not come. */
static void log_preflight(const struct dp_config *cfg)
{
	struct dp_finding f[DP_MAX_FINDINGS];
	bool routes = cfg->n_pools || cfg->n_statics || !cfg->n_pseudowires;

	for (unsigned int i = 0; cfg->mode != DP_OFF && i < cfg->n_interfaces; i++) {
		int n = dp_preflight(cfg->interfaces[i], f);

		for (int k = 0; k < n; k++)
			if (f[k].level >= DP_WARN && (routes || !f[k].of_routers))
				log_warn(NULL, "interface %s: %s%s%s", cfg->interfaces[i],
					 f[k].what, f[k].remedy[0] ? "; mend it: " : "",
					 f[k].remedy);
	}
}

/* Every batch of events is committed there before its answers leave. */
static void warn_of_disk(const char *run_dir)
{
	struct statfs st;

	if (statfs(run_dir, &st) || st.f_type == TMPFS_MAGIC || st.f_type == RAMFS_MAGIC)
		return;
	log_warn(NULL,
		 "runtime-directory %s is not in memory: answers to peers may wait for its disk, a "
		 "second and more; name one on a tmpfs",
		 run_dir);
}

/* The worker writes there, and is not who we are. What cannot be made or given away shows
 * when the store is opened. */
static void own_directories(const struct daemon *d)
{
	const char *const both[] = { d->cfg->run_dir, d->cfg->state_dir };

	for (size_t i = 0; i < sizeof(both) / sizeof(both[0]); i++) {
		int rc;

		make_directories(both[i]);
		rc = sandbox_own(&d->sandbox, both[i]);
		if (rc)
			log_warn(NULL, "%s cannot be given to user %s: %s", both[i],
				 d->sandbox.user, strerror(-rc));
	}
}

static int compare_addresses(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct ipaddr));
}

/* Addresses that the users file gives away: they may be routed (loader/datapath/privilege.c). */
static int note_statics(struct daemon *d)
{
	size_t n = d->users ? users_addresses(d->users, NULL, 0) : 0;

	if (!n)
		return 0;
	d->statics = calloc(n, sizeof(*d->statics));
	if (!d->statics)
		return -ENOMEM;
	users_addresses(d->users, d->statics, n);
	qsort(d->statics, n, sizeof(*d->statics), compare_addresses);
	d->cfg->datapath.statics = d->statics;
	d->cfg->datapath.n_statics = n;
	return 0;
}

/* What others may hold before what nobody may notice. */
static int open_all(struct daemon *d, char *err, size_t errlen)
{
	int rc = d->lock_fd = daemon_lock(d->cfg, err, errlen);

	if (rc < 0)
		return rc;
	warn_of_disk(d->cfg->run_dir);
	rc = note_statics(d);
	if (rc)
		return rc;
	rc = sandbox_user(d->cfg->user, &d->sandbox, err, errlen);
	if (!rc)
		own_directories(d);
	rc = rc ?: control_listen(d->cfg->control_socket, &d->control, err, errlen);
	if (rc)
		return rc;
	log_preflight(&d->cfg->datapath);
	rc = dp_open(&d->cfg->datapath, &d->dp, err, errlen);
	if (rc == 0 && !dp_is_pinned(d->dp))
		setenv(DAEMON_UNPINNED, "1", 1);
	else
		unsetenv(DAEMON_UNPINNED);
	return rc;
}

static void close_all(struct daemon *d, bool remove)
{
	if (d->dp && remove)
		dp_remove(d->dp);
	else if (d->dp)
		dp_leave(d->dp);
	control_unlisten(&d->control);
	if (d->lock_fd >= 0)
		close(d->lock_fd);
	users_free(d->users);
	config_free(d->cfg);
	free(d->statics);
}

/* ---- the same program again ------------------------------------------------------------------ */

static bool is_this_program(const char *path)
{
	struct stat a, b;

	return stat("/proc/self/exe", &a) == 0 && stat(path, &b) == 0 && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

/* The path that it was started by, which may be a link that an upgrade changes; not
 * /proc/self/exe, which stays the old file. */
static const char *program_path(void)
{
	static char path[PATH_MAX];
	const char *name = (const char *)getauxval(AT_EXECFN);
	size_t len = 0;

	if (name && name[0] != '/' && getcwd(path, sizeof(path) - 2)) {
		len = strlen(path);
		path[len++] = '/';
	}
	if (name && strncmp(name, "/dev/fd/", 8) != 0 && len + strlen(name) < sizeof(path)) {
		memcpy(path + len, name, strlen(name) + 1);
		if (is_this_program(path))
			return path;
	}
	len = (size_t)readlink("/proc/self/exe", path, sizeof(path) - 1);
	path[len < sizeof(path) ? len : 0] = '\0';
	return path;
}

/* Comes back only when it fails. */
static void execute_again(const char *program, char **argv)
{
	setenv(RELOADED, "1", 1);
	execv(program, argv);
	log_error(NULL, "%s: %s", program, strerror(errno));
	unsetenv(RELOADED);
}

/* The new configuration was right, but what it needs is not there (an address, an interface).
 * The old one is gone, sessions go on at the hook: it must not end here. */
static int again_later(const char *program, char **argv)
{
	const struct timespec pause = { .tv_sec = AGAIN_S };
	sigset_t ours;
	int sig;

	log_error(NULL,
		  "the reload failed; sessions go on at the hook. Mend it: another try in "
		  "%u s, or with SIGHUP at once",
		  AGAIN_S);
	monitor_signals(&ours);
	do {
		sig = sigtimedwait(&ours, NULL, &pause);
		if (sig == SIGTERM || sig == SIGINT)
			return EXIT_FAILED;
		if (sig < 0 || sig == SIGHUP)
			execute_again(program, argv);
	} while (true);
}

static int failed(bool reloaded, const char *program, char **argv)
{
	const struct timespec pause = { .tv_sec = FAILED_S };
	sigset_t ours;

	if (reloaded)
		return again_later(program, argv);
	if (getenv("NOTIFY_SOCKET")) {
		monitor_signals(&ours);
		sigtimedwait(&ours, NULL, &pause);
	}
	return EXIT_FAILED;
}

/* ---- the monitor's functions ------------------------------------------------------------------ */

static int on_worker(void *ctx, int fd, pid_t monitor, struct marks *marks)
{
	return worker_run(ctx, fd, monitor, marks);
}

static void on_datapath(void *ctx, const struct dp_request *rq, struct dp_answer *ret)
{
	struct daemon *d = ctx;

	dp_do(d->dp, rq, ret);
}

static bool same_path(const char *a, const char *b) /* NULL: none */
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* Keys that say where an earlier daemon's things are: another value would leave them behind. */
static const char *key_that_stays(const struct config *old, const struct config *new)
{
	if (strcmp(old->run_dir, new->run_dir) != 0)
		return "runtime-directory";
	if (!same_path(old->bpf_dir, new->bpf_dir))
		return "datapath.bpf-directory";
	if (strcmp(old->datapath.tun_name, new->datapath.tun_name) != 0)
		return "datapath.tun";
	return NULL;
}

static bool may_have_socket(const char *path)
{
	char dir[PATH_MAX];
	char *slash;

	if (snprintf(dir, sizeof(dir), "%s", path) >= (int)sizeof(dir))
		return false;
	slash = strrchr(dir, '/');
	if (!slash)
		return true;
	slash[slash == dir] = '\0';
	return access(dir, W_OK) == 0;
}

/* What --check, which may run on another host, does not ask: can it be had on this one? */
static bool fits_here(struct daemon *d, const struct config *new, char *text, size_t len)
{
	struct sandbox who = { 0 };
	char addr[ADDR_STRLEN];

	if (sandbox_user(new->user, &who, text, len)) {
		strncat(text, "\n", len - strlen(text) - 1);
		return false;
	}
	if (!may_have_socket(new->control_socket)) {
		snprintf(text, len, "control-socket %s: there is no such directory\n",
			 new->control_socket);
		return false;
	}
	for (unsigned int i = 0; i < new->datapath.n_listen; i++) {
		const struct ipaddr *a = &new->datapath.listen[i];

		if (dp_is_own_address(d->dp, a))
			continue;
		addr_str(a, addr);
		snprintf(text, len,
			 "listen address %s is not on this host\n"
			 "  set it:  ip address add %s/%u dev DEVICE\n"
			 "  or correct `listen`\n",
			 addr, addr, addr_is_v4(a) ? 32 : 128);
		return false;
	}
	return true;
}

static bool on_may_reload(void *ctx, char *text, size_t len)
{
	struct daemon *d = ctx;
	struct config *new = NULL;
	const char *key;
	char err[DAEMON_ERRLEN];
	bool fits;

	if ((d->changing ? config_load_changed : config_load)(d->options->config, &new, err,
							      sizeof(err))) {
		snprintf(text, len, "%s changed while it was read\n", d->options->config);
		return false;
	}
	key = key_that_stays(d->cfg, new);
	fits = !key && fits_here(d, new, text, len);
	wires_leaving(d->cfg, new, d->leaving, ASK_WIRES);
	config_free(new);
	if (key)
		snprintf(
			text, len,
			"%s cannot change while sessions are up: `l2xdpctl shutdown`, which closes "
			"them all, then start\n",
			key);
	return fits;
}

static void on_leaving(void *ctx, uint8_t ret[ASK_WIRES / 8])
{
	const struct daemon *d = ctx;

	memcpy(ret, d->leaving, sizeof(d->leaving));
}

/* It is read from the directory of the configuration that runs; another one comes with a reload. */
static int on_change(void *ctx, const char *name, const char *entry, char *text, size_t len)
{
	struct daemon *d = ctx;
	int rc = managed_change(d->cfg->state_dir, name, entry, text, len);

	d->changing = !rc;
	return rc;
}

static bool on_changed(void *ctx, bool good, char *text, size_t len)
{
	struct daemon *d = ctx;
	int rc = good ? managed_take(d->cfg->state_dir) : 0;

	if (rc)
		snprintf(text, len, "%s/" MANAGED_FILE ": %s\n", d->cfg->state_dir, strerror(-rc));
	else if (!good)
		managed_drop(d->cfg->state_dir);
	d->changing = d->changing && rc;
	return !rc;
}

static enum monitor_end watch(struct daemon *d, const char *program, bool persistent)
{
	char *check[] = { (char *)program, (char *)"--check", (char *)"--config",
			  (char *)d->options->config, NULL };
	const struct monitor_ops ops = { .worker = on_worker,
					 .marks = persist_marks,
					 .datapath = on_datapath,
					 .preflight = dp_preflight,
					 .change = on_change,
					 .changed = on_changed,
					 .may_reload = on_may_reload,
					 .leaving = on_leaving,
					 .check = check,
					 .check_change = DAEMON_CHANGED,
					 .check_limit_ms = CHECK_LIMIT_MS,
					 .leave_limit_ms = LEAVE_LIMIT_MS,
					 .close_limit_ms = CLOSE_LIMIT_MS,
					 .record_limit_ms = RECORD_LIMIT_MS,
					 .persistent = persistent };

	return monitor_run(&ops, d);
}

/* ---- start and end ----------------------------------------------------------------------------- */

static int serve(struct daemon *d, const char *program, char **argv, bool reloaded)
{
	enum monitor_end end = watch(d, program, reloaded);

	while (end == MONITOR_RELOAD) {
		execute_again(program, argv);
		end = watch(d, program, true); /* as it was before */
	}
	close_all(d, end == MONITOR_CLOSED);
	if (end == MONITOR_FAILED)
		return failed(reloaded, program, argv);
	log_note(NULL, "ended");
	return EXIT_OK;
}

int daemon_run(const struct options *o, char **argv)
{
	struct daemon d = { .options = o, .lock_fd = -1, .control.fd = -1 };
	const char *program = program_path();
	bool reloaded = getenv(RELOADED) != NULL;
	char err[DAEMON_ERRLEN] = "out of memory";
	sigset_t ours;
	int ret;

	unsetenv(RELOADED);
	signal(SIGPIPE, SIG_IGN);
	monitor_signals(&ours);
	sigprocmask(SIG_BLOCK, &ours, NULL); /* the start is not broken off halfway */
	ret = daemon_load(o, &d.cfg, &d.users);
	if (ret)
		return reloaded ? again_later(program, argv) : ret;
	if (d.cfg->log == CONFIG_LOG_DEBUG)
		log_open(LOG_DEBUG);
	d.sandbox.debug = o->debug;
	log_note(NULL, "l2xdpd %s%s", L2XDP_VERSION, reloaded ? ", after a reload" : "");
	if (open_all(&d, err, sizeof(err)) < 0) {
		log_error(NULL, "%s", err);
		close_all(&d, false);
		return failed(reloaded, program, argv);
	}
	return serve(&d, program, argv, reloaded);
}
