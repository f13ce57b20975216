/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading an environment that may be damaged.
 *
 * LMDB trusts its file: a wrong page number makes it read where nothing is, a file that was
 * cut short ends in SIGBUS, some faults in abort(). So all of it is read once in a child
 * process, every page (pages.c), key and checksum; what kills the child would have killed us.
 *
 * While a daemon writes, another process may read without its locks only what cannot change
 * under its eyes: a copy. LMDB never overwrites a page of the last committed state, so a copy
 * is of one moment when no commit ended meanwhile; each commit writes to the head of the file.
 */
#include "loader/store/private.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CPU_LIMIT_S 120 /* a tree that leads into itself */
#define FILE_HEAD 65536 /* holds both meta pages for every page size */
#define MIN_FILE 8192 /* the meta pages with the smallest page */
#define SNAPSHOT_TRIES 30
#define SNAPSHOT_PAUSE_MS 10

/* In memory that parent and child share. */
struct shared {
	struct probe probe;
	volatile bool done;
};

static void damaged(struct probe *p, const char *what, int rc)
{
	p->state = PROBE_DAMAGED;
	if (rc)
		snprintf(p->why, sizeof(p->why), "%s: %s", what, mdb_strerror(rc));
	else
		snprintf(p->why, sizeof(p->why), "%s", what);
}

/* ---- the walk, in the child --------------------------------------------------------- */

static const char *walk_table(const struct env *e, MDB_txn *txn, unsigned int table,
			      struct probe *p, int *ret_rc)
{
	MDB_cursor *at;
	MDB_val k, v;
	MDB_stat st = { 0 };
	const char *fault = NULL;
	uint64_t key, before = 0, n = 0;
	int rc = mdb_cursor_open(txn, e->dbi[table], &at);

	while (!rc && !fault && !(rc = mdb_cursor_get(at, &k, &v, MDB_NEXT))) {
		if (k.mv_size != sizeof(key)) {
			fault = "a key has a wrong length";
			break;
		}
		memcpy(&key, k.mv_data, sizeof(key));
		if (n && key <= before)
			fault = "keys are out of order";
		before = key;
		n++;
		if (!seal_holds(table, key, &v))
			p->bad++;
	}
	if (!fault && (!rc || rc == MDB_NOTFOUND)) {
		rc = mdb_stat(txn, e->dbi[table], &st);
		if (!rc && st.ms_entries != n)
			fault = "a table does not have as many records as it says";
	}
	if (table != ENV_HEAD)
		p->records += n;
	*ret_rc = fault ? 0 : rc;
	return fault;
}

static const char *look_at_pages(const struct env *e, size_t len, size_t page_size)
{
	const char *fault;
	void *map;
	int fd;

	if (mdb_env_get_fd(e->lmdb, &fd))
		return "it has no file";
	map = mmap(NULL, len, PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return "it cannot be mapped";
	fault = pages_fault(map, len, page_size);
	munmap(map, len);
	return fault;
}

static void walk(const struct env *e, MDB_txn *txn, uint32_t format, struct probe *p)
{
	MDB_stat st;
	const char *fault = NULL;
	bool no_head;
	int rc;

	mdb_env_stat(e->lmdb, &st);
	rc = env_read_head(e, txn, &p->head);
	no_head = rc == MDB_NOTFOUND;
	if (rc && !no_head) {
		damaged(p, "its head", rc);
		return;
	}
	if (p->head.format > format) {
		p->state = PROBE_NEWER;
		return;
	}
	rc = 0;
	fault = look_at_pages(e, (size_t)p->octets, st.ms_psize);
	for (unsigned int i = 0; i < ENV_TABLES && !fault && !rc; i++)
		if (e->dbi[i])
			fault = walk_table(e, txn, i, p, &rc);
	if (fault || rc)
		damaged(p, fault ? fault : "reading it", fault ? 0 : rc);
	else if (no_head && (p->records || st.ms_entries > ENV_TABLES))
		damaged(p, "it has no head", 0);
	else /* whoever made it may have died before the first commit */
		p->state = no_head ? PROBE_ABSENT : PROBE_SOUND;
}

static void probe_file(const char *path, uint32_t format, struct probe *p)
{
	struct env e;
	struct stat st;
	MDB_txn *txn;
	int rc;

	if (stat(path, &st) < 0) {
		p->state = errno == ENOENT || errno == ENOTDIR ? PROBE_ABSENT : PROBE_FAILED;
		p->error = errno;
		return;
	}
	p->octets = (uint64_t)st.st_size;
	if (!st.st_size) {
		p->state = PROBE_ABSENT;
		return;
	}
	if (!S_ISREG(st.st_mode) || st.st_size < MIN_FILE) {
		damaged(p, "it is too short, or no file", 0);
		return;
	}
	rc = env_open(&e, path, MDB_RDONLY | MDB_NOLOCK, (size_t)st.st_size);
	if (rc == EACCES || rc == EPERM || rc == EMFILE || rc == ENFILE) {
		p->state = PROBE_FAILED;
		p->error = rc;
		return;
	}
	if (rc) {
		damaged(p, "opening it", rc);
		return;
	}
	rc = mdb_txn_begin(e.lmdb, NULL, MDB_RDONLY, &txn);
	if (rc)
		damaged(p, "reading it", rc);
	else
		walk(&e, txn, format, p);
}

/* ---- a copy of one moment -------------------------------------------------------------- */

static ssize_t read_head_of_file(int fd, uint8_t head[static FILE_HEAD])
{
	memset(head, 0, FILE_HEAD);
	return pread(fd, head, FILE_HEAD, 0);
}

/* 0, EAGAIN: it changed meanwhile, or another errno. */
static int copy_once(int from, int to)
{
	static uint8_t before[FILE_HEAD], after[FILE_HEAD], part[FILE_HEAD];
	off_t at = 0;

	if (ftruncate(to, 0) < 0 || read_head_of_file(from, before) < 0)
		return errno;
	for (;;) {
		ssize_t n = pread(from, part, sizeof(part), at);

		if (n < 0)
			return errno;
		if (!n)
			break;
		if (pwrite(to, part, (size_t)n, at) != n)
			return errno ? errno : EIO;
		at += n;
	}
	if (read_head_of_file(from, after) < 0)
		return errno;
	return memcmp(before, after, sizeof(before)) ? EAGAIN : 0;
}

static int copy_of_a_moment(const char *path, int to)
{
	const struct timespec pause = { .tv_nsec = SNAPSHOT_PAUSE_MS * 1000000L };
	int from = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), err = EAGAIN;

	if (from < 0)
		return errno;
	for (int i = 0; i < SNAPSHOT_TRIES && err == EAGAIN; i++) {
		if (i)
			nanosleep(&pause, NULL);
		err = copy_once(from, to);
	}
	close(from);
	return err;
}

static void probe_copy(const char *path, uint32_t format, int fd, struct probe *p)
{
	char name[32];
	int err = copy_of_a_moment(path, fd);

	if (err) {
		p->state = err == ENOENT || err == ENOTDIR ? PROBE_ABSENT
			   : err == EAGAIN                 ? PROBE_BUSY
							   : PROBE_FAILED;
		p->error = err;
		return;
	}
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	probe_file(name, format, p);
}

/* ---- the child ----------------------------------------------------------------------------- */

static void be_the_child(pid_t parent, const char *path, uint32_t format, int fd, struct shared *sh)
{
	const struct rlimit no_core = { 0, 0 }, cpu = { CPU_LIMIT_S, CPU_LIMIT_S };
	const int deadly[] = { SIGSEGV, SIGBUS, SIGABRT, SIGXCPU, SIGFPE, SIGILL };
	int null;

	/* our end must not wait for it, nor its lock outlive us */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	for (size_t i = 0; i < sizeof(deadly) / sizeof(deadly[0]); i++)
		signal(deadly[i], SIG_DFL);
	setrlimit(RLIMIT_CORE, &no_core);
	setrlimit(RLIMIT_CPU, &cpu);
	null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (null >= 0) /* LMDB's last words would puzzle the reader of the log */
		dup2(null, STDERR_FILENO);
	if (fd >= 0)
		probe_copy(path, format, fd, &sh->probe);
	else
		probe_file(path, format, &sh->probe);
	sh->done = true;
	_exit(0);
}

int probe_begin(const char *path, uint32_t format, int fd, struct probing *ret)
{
	struct shared *sh =
		mmap(NULL, sizeof(*sh), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t self = getpid(), pid;

	if (sh == MAP_FAILED)
		return -errno;
	pid = fork();
	if (pid < 0) {
		int err = -errno;

		munmap(sh, sizeof(*sh));
		return err;
	}
	if (!pid)
		be_the_child(self, path, format, fd, sh);
	*ret = (struct probing){ .pid = pid, .shared = sh };
	return 0;
}

void probe_end(struct probing *p, struct probe *ret)
{
	struct shared *sh = p->shared;
	int status = 0;

	while (waitpid(p->pid, &status, 0) < 0 && errno == EINTR)
		;
	*ret = sh->probe;
	if (!sh->done) {
		damaged(ret, "reading it kills", 0);
		if (WIFSIGNALED(status))
			snprintf(ret->why, sizeof(ret->why), "reading it ends with signal %d",
				 WTERMSIG(status));
	}
	ret->why[sizeof(ret->why) - 1] = '\0';
	munmap(sh, sizeof(*sh));
}
