/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counters of the slow path, one slot for each session index, in a file of the runtime
 * directory that is mapped and shared: no end of the process loses what has been counted,
 * and nothing is written by system calls. The file is sparse: sessions that never were take
 * no memory. A slot names its session, so that a later one is not taken for it.
 * A file system that is full would end us by a signal as soon as a page is touched that has
 * no room there: each page gets its room first, or memory of this process takes its place.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loader/datapath/private.h"

#define FILE_NAME "slow-traffic"
#define MAGIC 0x4c32582d534c4f57ull /* "L2X-SLOW" */
#define VERSION 1
#define PAGE 4096
#define HEADER PAGE /* so that slots begin on one */
#define PATH_LEN 512
#define LOCK_TRIES 20
#define LOCK_US 25000

struct header {
	uint64_t magic;
	uint32_t version, shards;
};

_Static_assert(sizeof(struct slow_traffic) == 128, "slots are two cache lines");

static size_t length(const struct datapath *dp)
{
	return HEADER + (size_t)DP_INDEXES(dp->cfg) * sizeof(struct slow_traffic);
}

static bool is_sound(const struct datapath *dp, int fd)
{
	struct header h;
	struct stat st;

	if (fstat(fd, &st) || (size_t)st.st_size != length(dp))
		return false;
	return pread(fd, &h, sizeof(h), 0) == (ssize_t)sizeof(h) && h.magic == MAGIC &&
	       h.version == VERSION && h.shards == dp->cfg->shards;
}

/* The header comes last: what has none is not sound. */
static int make_anew(const struct datapath *dp, int fd)
{
	const struct header h = { .magic = MAGIC, .version = VERSION, .shards = dp->cfg->shards };

	if (ftruncate(fd, 0) || ftruncate(fd, (off_t)length(dp)))
		return -errno;
	return pwrite(fd, &h, sizeof(h), 0) == (ssize_t)sizeof(h) ? 0 : -EIO;
}

/* Opened, locked and sound; or a negative errno. */
static int open_file(struct datapath *dp)
{
	char path[PATH_LEN];
	int fd, rc = 0;

	if (mkdir(dp->cfg->run_dir, 0755) && errno != EEXIST)
		return -errno;
	snprintf(path, sizeof(path), "%s/" FILE_NAME, dp->cfg->run_dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	for (int tries = 0;
	     (rc = flock(fd, LOCK_EX | LOCK_NB) ? -errno : 0) == -EWOULDBLOCK && tries < LOCK_TRIES;
	     tries++)
		usleep(LOCK_US); /* a process of ours that is still ending */
	if (rc == 0 && !is_sound(dp, fd)) {
		dp->traffic_is_new = true;
		rc = make_anew(dp, fd);
	}
	if (rc < 0) {
		close(fd);
		return rc;
	}
	return fd;
}

int traffic_open(struct datapath *dp)
{
	int flags = MAP_SHARED | MAP_NORESERVE;

	dp->traffic_fd = -1;
	if (dp->cfg->run_dir) {
		dp->traffic_fd = open_file(dp);
		if (dp->traffic_fd < 0)
			log_warn(NULL,
				 "%s/" FILE_NAME ": %s: what the slow path counts will not "
				 "outlive this process",
				 dp->cfg->run_dir,
				 dp->traffic_fd == -EWOULDBLOCK ? "another l2xdpd has it"
								: strerror(-dp->traffic_fd));
	}
	if (dp->traffic_fd < 0) {
		dp->traffic_fd = -1;
		flags |= MAP_ANONYMOUS;
	}
	dp->traffic_room = calloc(length(dp) / PAGE, sizeof(*dp->traffic_room));
	if (!dp->traffic_room)
		return -ENOMEM;
	dp->traffic_mem = mmap(NULL, length(dp), PROT_READ | PROT_WRITE, flags, dp->traffic_fd, 0);
	if (dp->traffic_mem == MAP_FAILED) {
		dp->traffic_mem = NULL;
		return -errno;
	}
	dp->traffic_len = length(dp);
	dp->traffic = (struct slow_traffic *)((uint8_t *)dp->traffic_mem + HEADER);
	return 0;
}

void traffic_close(struct datapath *dp, bool remove)
{
	char path[PATH_LEN];

	if (dp->traffic_mem)
		munmap(dp->traffic_mem, dp->traffic_len);
	free(dp->traffic_room);
	dp->traffic_room = NULL;
	if (remove && dp->traffic_fd >= 0) {
		snprintf(path, sizeof(path), "%s/" FILE_NAME, dp->cfg->run_dir);
		unlink(path);
	}
	if (dp->traffic_fd >= 0)
		close(dp->traffic_fd);
	dp->traffic_mem = NULL;
	dp->traffic = NULL;
	dp->traffic_fd = -1;
}

/* Once for each page: a system call for every session and change would be dear. */
static void make_room(struct datapath *dp, const struct slow_traffic *t)
{
	size_t page = (size_t)((const uint8_t *)t - (const uint8_t *)dp->traffic_mem) / PAGE;
	size_t at = page * PAGE;

	if (dp->traffic_fd < 0 || dp->traffic_room[page])
		return;
	dp->traffic_room[page] = true;
	if (fallocate(dp->traffic_fd, FALLOC_FL_KEEP_SIZE, (off_t)at, PAGE) == 0 ||
	    (errno != ENOSPC && errno != EDQUOT))
		return;
	log_warn(NULL,
		 "%s/" FILE_NAME ": %s: what the slow path counts for some sessions will not "
		 "outlive this process; make room there",
		 dp->cfg->run_dir, strerror(errno));
	if (mmap((uint8_t *)dp->traffic_mem + at, PAGE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
		log_error(NULL, "mmap: %s", strerror(errno));
}

bool traffic_claim(struct datapath *dp, struct session *s, bool fresh)
{
	struct slow_traffic *t = &dp->traffic[s->index];
	bool same;

	make_room(dp, t);
	same = t->tunnel_id == s->s.tunnel_id && t->session_id == s->s.session_id &&
	       t->peer_tunnel_id == s->s.peer_tunnel_id &&
	       t->peer_session_id == s->s.peer_session_id;
	s->slow = t;
	if (same && !fresh)
		return true;
	memset(t, 0, sizeof(*t));
	t->tunnel_id = s->s.tunnel_id;
	t->session_id = s->s.session_id;
	t->peer_tunnel_id = s->s.peer_tunnel_id;
	t->peer_session_id = s->s.peer_session_id;
	return false;
}
