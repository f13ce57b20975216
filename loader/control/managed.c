/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loader/control/config_yaml.h"
#include "loader/control/managed.h"
#include "loader/datapath/pseudowire.h"

static const char head[] =
	"# Written by l2xdpd: `l2xdpctl pseudowire add` and `del`. What is to be "
	"edited by hand\n"
	"# belongs into the configuration.\n";
#define ITEM "  - "

/* ---- reading ---- */

static int open_directory(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* Another name of somebody else's file would show what is in it. */
static int open_own(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return errno == ELOOP ? -EINVAL : -errno;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_nlink != 1) {
		close(fd);
		return -EINVAL;
	}
	return fd;
}

int managed_read(const char *dir, const char *name, bool must, struct file *ret, char *path,
		 size_t len)
{
	int at, fd;

	/* one that has been asked for is called by the name that it will have */
	snprintf(path, len, "%s/%s", dir, MANAGED_FILE);
	at = open_directory(dir);
	fd = at < 0 ? at : open_own(at, name);
	if (at >= 0)
		close(at);
	if (fd == -ENOENT && !must)
		return 0;
	return fd < 0 ? fd : file_read_fd(fd, CONFIG_MAX_FILE, ret);
}

/* ---- a change ---- */

struct change {
	const char *name, *entry;
	char begin[PW_NAME_LEN + 16]; /* of the line with this name */
	char *to; /* has room for all of it */
	size_t len;
	unsigned int kept, found;
};

static void put(struct change *c, const char *s, size_t len)
{
	memcpy(c->to + c->len, s, len);
	c->len += len;
}

static bool is_printable(const char *s)
{
	for (; *s; s++) {
		if (*s < ' ' || *s > '~')
			return false;
	}
	return true;
}

static bool is_name(const char *name)
{
	return *name && strlen(name) < PW_NAME_LEN && is_printable(name) && !strpbrk(name, "\"\\");
}

static bool entry_fits(const struct change *c)
{
	const char *begin = c->begin + strlen(ITEM);
	size_t len = strlen(c->entry);

	return len < MANAGED_ENTRY && is_printable(c->entry) &&
	       !strncmp(c->entry, begin, strlen(begin)) && c->entry[len - 1] == '}';
}

/* The lines of entries, all but the one with this name. False: a line that is not ours. */
static bool keep_line(struct change *c, const char *line, size_t len)
{
	if (len >= strlen(c->begin) && !memcmp(line, c->begin, strlen(c->begin))) {
		c->found++;
		return true;
	}
	if (len > strlen(ITEM) && !memcmp(line, ITEM "{", strlen(ITEM "{"))) {
		if (!c->kept++)
			put(c, "pseudowires:\n", 13);
		put(c, line, len);
		put(c, "\n", 1);
		return true;
	}
	return !len || line[0] == '#' || !strncmp(line, "pseudowires:", 12);
}

static int keep_lines(struct change *c, const char *path, const char *old, char *text, size_t len)
{
	unsigned int number = 1;
	size_t n;

	put(c, head, sizeof(head) - 1);
	for (; *old; old += n + (old[n] == '\n'), number++) {
		n = strcspn(old, "\n");
		if (keep_line(c, old, n))
			continue;
		snprintf(text, len,
			 "%s:%u: this line was not written by l2xdpd; move it to the "
			 "configuration\n",
			 path, number);
		return -EINVAL;
	}
	return 0;
}

static int make_change(struct change *c, const char *path, char *text, size_t len)
{
	if (c->entry && c->found) {
		snprintf(text, len,
			 "pseudowire %s is there already; `l2xdpctl pseudowire del %s` first\n",
			 c->name, c->name);
		return -EEXIST;
	}
	if (!c->entry && !c->found) {
		snprintf(text, len,
			 "no pseudowire %s in %s; those of the configuration are removed there\n",
			 c->name, path);
		return -ENOENT;
	}
	if (!c->kept)
		put(c, c->entry ? "pseudowires:\n" : "pseudowires: []\n", c->entry ? 13 : 16);
	if (c->entry) {
		put(c, ITEM, strlen(ITEM));
		put(c, c->entry, strlen(c->entry));
		put(c, "\n", 1);
	}
	if (c->len <= CONFIG_MAX_FILE)
		return 0;
	snprintf(text, len, "%s would be larger than %u MiB; write some into the configuration\n",
		 path, CONFIG_MAX_FILE >> 20);
	return -EFBIG;
}

static int write_all(int fd, const char *p, size_t len)
{
	ssize_t n;

	for (; len; p += n, len -= (size_t)n) {
		n = write(fd, p, len);
		if (n < 0 && errno != EINTR)
			return -errno;
		n = n < 0 ? 0 : n;
	}
	return fsync(fd) ? -errno : 0;
}

static int write_changed(const char *dir, const struct change *c)
{
	int at = open_directory(dir), fd, rc;

	if (at < 0)
		return at;
	unlinkat(at, MANAGED_CHANGED, 0);
	fd = openat(at, MANAGED_CHANGED, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		    0600);
	rc = fd < 0 ? -errno : write_all(fd, c->to, c->len);
	if (fd >= 0)
		close(fd);
	if (rc && fd >= 0)
		unlinkat(at, MANAGED_CHANGED, 0);
	close(at);
	return rc;
}

int managed_change(const char *dir, const char *name, const char *entry, char *text, size_t len)
{
	struct change c = { .name = name, .entry = entry };
	struct file f = { 0 };
	char path[512];
	int rc;

	snprintf(text, len, "no memory\n");
	if (!is_name(name)) {
		snprintf(text, len, "that is no name of a pseudowire\n");
		return -EINVAL;
	}
	snprintf(c.begin, sizeof(c.begin), ITEM "{\"name\":\"%s\",", name);
	if (entry && !entry_fits(&c)) {
		snprintf(text, len,
			 "the entry is no line of JSON of up to %u printable ASCII characters\n",
			 MANAGED_ENTRY - 1);
		return -EINVAL;
	}
	rc = managed_read(dir, MANAGED_FILE, false, &f, path, sizeof(path));
	if (rc)
		snprintf(text, len, "%s: %s\n", path,
			 rc == -EINVAL ? "not a regular file of its own" : strerror(-rc));
	c.to = malloc(sizeof(head) + 64 + f.len + MANAGED_ENTRY);
	if (!c.to)
		rc = -ENOMEM;
	rc = rc ?: keep_lines(&c, path, f.text ? f.text : "", text, len);
	rc = rc ?: make_change(&c, path, text, len);
	if (!rc) {
		rc = write_changed(dir, &c);
		if (rc)
			snprintf(text, len, "%s/" MANAGED_CHANGED ": %s\n", dir, strerror(-rc));
	}
	if (c.to)
		explicit_bzero(c.to, c.len);
	free(c.to);
	file_wipe(&f);
	return rc;
}

int managed_take(const char *dir)
{
	int at = open_directory(dir), rc = 0;

	if (at < 0)
		return at;
	if (renameat(at, MANAGED_CHANGED, at, MANAGED_FILE) || fsync(at))
		rc = -errno;
	close(at);
	return rc;
}

void managed_drop(const char *dir)
{
	int at = open_directory(dir);

	if (at < 0)
		return;
	unlinkat(at, MANAGED_CHANGED, 0);
	close(at);
}
