/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What outlives the daemon, in a directory of a BPF file system:
 *
 *   maps/NAME      the maps, and `about`, which says what they are
 *   next/NAME      a new set, while it is made
 *   link-DEVICE    our program, attached alone
 *   circuit-DEVICE  our program for pseudowires (pw_link.c)
 *   share-DEVICE   a mark: our program stands in libxdp's dispatcher there
 *   tc-DEVICE, clsact-DEVICE   marks: at its hook of traffic control (tc.c)
 *
 * A set is complete or it is none. A new one is pinned under `next` and changes places with
 * `maps` in one step, before the program is replaced; what is left under `next` by a daemon
 * that was killed is removed by the one after. Between the two steps the old program goes on
 * with the old maps, which it holds itself, while those in `maps` have all sessions already:
 * whoever comes then takes these over. Nothing else is ever half done: a map that is not
 * new is pinned a second time, and is the same map.
 *
 * The directory is locked for as long as a process of ours lives, so that no two daemons
 * share it, and one that follows another waits for its last breath.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "loader/datapath/pw_private.h"

#define NEXT "next"
#define LOCK_TRIES 100
#define LOCK_US 50000

/* ---- names ----------------------------------------------------------------------------------- */

/* A BPF file system takes no dots in names; a device may have one (eth0.100). */
static void encode(const char *name, char *ret, size_t len)
{
	size_t n = 0;

	for (; *name && n + 4 < len; name++) {
		if (*name == '.' || *name == '%')
			n += (size_t)snprintf(ret + n, len - n, "%%%02x",
					      (unsigned int)(uint8_t)*name);
		else
			ret[n++] = *name;
	}
	ret[n] = '\0';
}

static void decode(const char *name, char *ret, size_t len)
{
	size_t n = 0;

	while (*name && n + 1 < len) {
		unsigned int c;

		if (*name == '%' && sscanf(name + 1, "%2x", &c) == 1) {
			ret[n++] = (char)c;
			name += strnlen(name, 3);
		} else {
			ret[n++] = *name++;
		}
	}
	ret[n] = '\0';
}

void pins_path(const struct datapath *dp, const char *kind, const char *name,
	       char ret[PIN_PATH_LEN])
{
	char code[64];

	encode(name, code, sizeof(code));
	snprintf(ret, PIN_PATH_LEN, "%s/%s-%s", dp->pins->dir, kind, code);
}

/* "l2xdp_bp.bss" is pinned as "bss". */
const char *pins_map_name(const struct bpf_map *m)
{
	const char *name = bpf_map__name(m), *dot = strchr(name, '.');

	return dot ? dot + 1 : name;
}

void pins_map_path(const char *dir, const char *set, const char *name, char ret[PIN_PATH_LEN])
{
	snprintf(ret, PIN_PATH_LEN, "%s/%s/%s", dir, set, name);
}

bool dp_is_pinned(const struct datapath *dp)
{
	return dp->pins != NULL;
}

int pins_mark(const struct datapath *dp, const char *kind, const char *name, bool yes)
{
	char path[PIN_PATH_LEN];

	if (!dp->pins)
		return 0;
	pins_path(dp, kind, name, path);
	if (yes)
		return mkdir(path, 0700) && errno != EEXIST ? -errno : 0;
	return rmdir(path) && errno != ENOENT ? -errno : 0;
}

void pins_visit(const struct datapath *dp, const char *kind,
		void (*fn)(struct datapath *dp, const char *name, void *arg), void *arg)
{
	size_t len = strlen(kind);
	struct dirent *e;
	char name[64];
	DIR *d = dp->pins ? opendir(dp->pins->dir) : NULL;

	while (d && (e = readdir(d))) {
		if (strncmp(e->d_name, kind, len) || e->d_name[len] != '-')
			continue;
		decode(e->d_name + len + 1, name, sizeof(name));
		fn((struct datapath *)dp, name, arg);
	}
	if (d)
		closedir(d);
}

/* ---- taken over ------------------------------------------------------------------------------ */

static int take_all(struct datapath *dp, struct l2xdp_bpf *p, bool pools)
{
	struct bpf_map *m = NULL;
	int rc = 0;

	bpf_object__for_each_map(m, program_object(p))
	{
		const char *name = pins_map_name(m);
		char path[PIN_PATH_LEN];
		int fd;

		if (rc < 0 || program_map_is_own(m) || (pins_is_pool(name) && !pools))
			continue;
		pins_map_path(dp->pins->dir, PIN_SET, name, path);
		fd = bpf_obj_get(path);
		if (fd >= 0 && pins_fits(fd, m))
			rc = bpf_map__reuse_fd(m, fd);
		else
			dp->pins->next = true;
		if (fd >= 0)
			close(fd);
	}
	return rc;
}

int pins_take(struct datapath *dp, struct l2xdp_bpf *p, char *err, size_t errlen)
{
	struct dp_adoption *a = &dp->adoption;
	struct l2x_about about;
	enum fate fate;

	if (!dp->pins)
		return 0;
	fate = pins_look(dp->pins->dir, dp->cfg, p, &about, a->note, sizeof(a->note));
	a->maps = fate != FATE_NONE;
	if (fate == FATE_NEWER)
		return dp_fail(-EPROTO, err, errlen,
			       "the maps in %s are of a newer version (%s)\n"
			       "  start that version again, nothing has been changed;\n"
			       "  or end all sessions with it (l2xdpctl shutdown), then start this",
			       dp->pins->dir, a->note);
	dp->pins->next = fate != FATE_SAME;
	if (fate == FATE_NONE || fate == FATE_OTHER)
		return 0;
	return take_all(dp, p, fate == FATE_SAME);
}

/* ---- made ------------------------------------------------------------------------------------ */

static void remove_set(const struct pins *pins, const char *set)
{
	char path[PIN_PATH_LEN];
	struct dirent *e;
	DIR *d;

	snprintf(path, sizeof(path), "%s/%s", pins->dir, set);
	d = opendir(path);
	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.')
			unlinkat(dirfd(d), e->d_name, 0);
	if (d)
		closedir(d);
	rmdir(path);
}

static int pin_about(const struct datapath *dp)
{
	const struct l2x_about about = about_of(dp->cfg);
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "l2xdp_about", sizeof(uint32_t), sizeof(about),
				1, NULL);
	char path[PIN_PATH_LEN];
	uint32_t key = 0;
	int rc = 0;

	if (fd < 0)
		return -errno;
	pins_map_path(dp->pins->dir, NEXT, PIN_ABOUT, path);
	if (bpf_map_update_elem(fd, &key, &about, BPF_ANY) || bpf_obj_pin(fd, path))
		rc = -errno;
	close(fd);
	return rc;
}

int pins_make(struct datapath *dp, struct l2xdp_bpf *p)
{
	char path[PIN_PATH_LEN];
	struct bpf_map *m = NULL;
	int rc = 0;

	if (!dp->pins || !dp->pins->next)
		return 0;
	snprintf(path, sizeof(path), "%s/" NEXT, dp->pins->dir);
	if (mkdir(path, 0700))
		return -errno;
	bpf_object__for_each_map(m, program_object(p))
	{
		if (rc < 0 || program_map_is_own(m))
			continue;
		pins_map_path(dp->pins->dir, NEXT, pins_map_name(m), path);
		if (bpf_obj_pin(bpf_map__fd(m), path))
			rc = -errno;
	}
	return rc ?: pin_about(dp);
}

/* The one step by which a new set comes into force. */
int pins_commit(struct datapath *dp)
{
	struct pins *pins = dp->pins;

	if (!pins || !pins->next || pins->committed)
		return 0;
	if (renameat2(pins->fd, NEXT, pins->fd, PIN_SET, RENAME_EXCHANGE)) {
		if (errno != ENOENT ||
		    renameat2(pins->fd, NEXT, pins->fd, PIN_SET, RENAME_NOREPLACE))
			return -errno;
	}
	pins->committed = true;
	remove_set(pins, NEXT);
	return 0;
}

/* ---- the directory --------------------------------------------------------------------------- */

/* Of the directory, or of the nearest one above it that there is. */
bool pins_possible(const char *dir)
{
	char path[PIN_DIR_LEN];
	struct statfs st;

	if (strlen(dir) >= sizeof(path) - 32 || dir[0] != '/')
		return false;
	snprintf(path, sizeof(path), "%s", dir);
	while (statfs(path, &st)) {
		char *slash = strrchr(path, '/');

		if (errno != ENOENT || slash == path)
			return false;
		*slash = '\0';
	}
	return st.f_type == BPF_FS_MAGIC;
}

static int make_directory(const char *dir, bool *ret_new)
{
	char path[PIN_DIR_LEN];

	snprintf(path, sizeof(path), "%s", dir);
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(path, 0700) && errno != EEXIST && errno != EROFS && errno != EPERM)
			return -errno;
		*slash = '/';
	}
	*ret_new = mkdir(path, 0700) == 0;
	return *ret_new || errno == EEXIST ? 0 : -errno;
}

/* A worker of a daemon that was killed holds the lock for as long as it ends. */
static int lock(int fd)
{
	for (int tries = 0; tries < LOCK_TRIES; tries++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return 0;
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		usleep(LOCK_US);
	}
	return -EBUSY;
}

static int open_directory(struct pins *pins, const char *dir)
{
	int rc = make_directory(dir, &pins->dir_is_new);

	if (rc < 0)
		return rc;
	snprintf(pins->dir, sizeof(pins->dir), "%s", dir);
	pins->fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return pins->fd < 0 ? -errno : lock(pins->fd);
}

static int say_unpinned(const char *dir)
{
	if (dir)
		log_warn(NULL,
			 "%s is not on a BPF file system: the data path ends with l2xdpd, and "
			 "comes back with it; mend it: mount -t bpf bpf /sys/fs/bpf "
			 "(docs/configuration.md, bpf-directory)",
			 dir);
	return 0;
}

int pins_open(struct datapath *dp, char *err, size_t errlen)
{
	const char *dir = dp->cfg->bpf_dir;
	struct pins *pins;
	int rc;

	if (dp->cfg->mode == DP_OFF && (!dir || access(dir, F_OK)))
		return 0; /* nothing to pin, nothing to clear away */
	if (!dir || !pins_possible(dir))
		return say_unpinned(dp->cfg->mode == DP_OFF ? NULL : dir);
	pins = calloc(1, sizeof(*pins));
	if (!pins)
		return dp_fail(-ENOMEM, err, errlen, "no memory");
	pins->fd = -1;
	rc = open_directory(pins, dir);
	if (rc == 0) {
		remove_set(pins, NEXT);
		pins->had = faccessat(pins->fd, PIN_SET, F_OK, 0) == 0;
		dp->pins = pins;
		return 0;
	}
	if (pins->fd >= 0)
		close(pins->fd);
	free(pins);
	if (rc == -EBUSY)
		return dp_fail(rc, err, errlen,
			       "another l2xdpd holds %s\n"
			       "  stop it, or give this one another directory (`datapath: "
			       "bpf-directory`)",
			       dir);
	return dp_fail(rc, err, errlen, "bpf-directory %s: %s", dir, strerror(-rc));
}

void pins_drop(struct datapath *dp)
{
	links_sweep(dp, true);
	share_sweep(dp, true);
	tc_sweep(dp, true);
	pw_links_sweep(dp, true);
	if (!dp->pins)
		return;
	remove_set(dp->pins, NEXT);
	remove_set(dp->pins, PIN_SET);
}

void pins_close(struct datapath *dp, enum end end)
{
	struct pins *pins = dp->pins;

	if (!pins)
		return;
	if (end != END_LEAVE)
		remove_set(pins, NEXT);
	if (end == END_UNDO && pins->committed && !pins->had)
		remove_set(pins, PIN_SET);
	if (end == END_REMOVE)
		pins_drop(dp);
	if (end == END_REMOVE || (end == END_UNDO && pins->dir_is_new))
		rmdir(pins->dir);
	close(pins->fd);
	free(pins);
	dp->pins = NULL;
}
