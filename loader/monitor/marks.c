/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "loader/monitor/marks.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "loader/base/log.h"

struct mark {
	uint64_t key;
	uint32_t what;
};

struct marks {
	const struct marks_names *names;
	volatile struct mark *page; /* shared; the worker writes */
	struct mark last; /* of the worker that died last */
	unsigned int deaths; /* in a row, of `last` */
	struct mark seen; /* when somebody looked whether it gets on */
	uint64_t seen_at;
	struct mark aside[MARKS_MOST];
	unsigned int n_aside;
	const char *directory; /* the worker's */
	int files[MARKS_MOST];
};

/* ---- the monitor ----------------------------------------------------------------------- */

struct marks *marks_new(const struct marks_names *names)
{
	struct marks *m = calloc(1, sizeof(*m));
	void *page;

	if (!m)
		return NULL;
	page = mmap(NULL, sizeof(*m->page), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		    0);
	if (page == MAP_FAILED) {
		free(m);
		return NULL;
	}
	m->page = page;
	m->names = names;
	memset(m->files, -1, sizeof(m->files));
	return m;
}

void marks_free(struct marks *m)
{
	if (!m)
		return;
	munmap((void *)m->page, sizeof(*m->page));
	free(m);
}

void marks_clear(struct marks *m)
{
	marks_step(m, 0, 0);
	if (m)
		m->seen.what = 0;
}

/* Read once: who writes it may be anybody. */
static struct mark read_page(const struct marks *m)
{
	struct mark at = { .key = m->page->key, .what = m->page->what };

	if (at.what >= m->names->n)
		at.what = 0;
	return at;
}

void marks_say(const struct marks *m, char *text, size_t len)
{
	struct mark at = { 0 };

	if (m)
		at = read_page(m);
	if (len)
		*text = '\0';
	if (!at.what)
		return;
	if (at.what < m->names->n_records)
		snprintf(text, len, ", at %s %llu", m->names->names[at.what],
			 (unsigned long long)at.key);
	else
		snprintf(text, len, ", at %s", m->names->names[at.what]);
}

bool marks_at_record(const struct marks *m)
{
	struct mark at = { 0 };

	if (m)
		at = read_page(m);
	return at.what && at.what < m->names->n_records;
}

static bool is_same(const struct mark *a, uint32_t what, uint64_t key)
{
	return a->what == what && a->key == key;
}

static const struct mark *find(const struct marks *m, uint32_t what, uint64_t key)
{
	for (unsigned int i = 0; m && i < m->n_aside; i++)
		if (is_same(&m->aside[i], what, key))
			return &m->aside[i];
	return NULL;
}

bool marks_stuck(struct marks *m, uint64_t now, uint64_t limit)
{
	struct mark at;

	if (!m)
		return false;
	at = read_page(m);
	if (!is_same(&m->seen, at.what, at.key)) {
		m->seen = at;
		m->seen_at = now;
	}
	return at.what && at.what < m->names->n_records && now - m->seen_at >= limit;
}

bool marks_death(struct marks *m)
{
	struct mark at;

	if (!m)
		return false;
	at = read_page(m);
	m->deaths = is_same(&m->last, at.what, at.key) ? m->deaths + 1 : 1;
	m->last = at;
	if (!at.what || at.what >= m->names->n_records || m->deaths < MARKS_DEATHS ||
	    find(m, at.what, at.key))
		return false;
	if (m->n_aside == MARKS_MOST) {
		log_error(NULL, "%u records are set aside already: %s %llu is not", MARKS_MOST,
			  m->names->names[at.what], (unsigned long long)at.key);
		return false;
	}
	m->aside[m->n_aside++] = at;
	m->deaths = 0;
	return true;
}

void marks_forget(struct marks *m)
{
	if (!m)
		return;
	m->n_aside = m->deaths = 0;
	marks_clear(m);
}

/* ---- the worker ------------------------------------------------------------------------ */

void marks_step(struct marks *m, unsigned int what, uint64_t key)
{
	if (!m)
		return;
	m->page->what = 0; /* never one number with the other's key */
	m->page->key = key;
	m->page->what = what;
}

bool marks_is_aside(const struct marks *m, unsigned int what, uint64_t key)
{
	return find(m, what, key) != NULL;
}

static void file_path(const struct marks *m, unsigned int i, char *path, size_t len)
{
	snprintf(path, len, "%s/set-aside-%u", m->directory, i);
}

void marks_open(struct marks *m, const char *directory)
{
	char path[512];

	if (!m)
		return;
	m->directory = directory;
	for (unsigned int i = 0; i < m->n_aside; i++) {
		file_path(m, i, path, sizeof(path));
		m->files[i] =
			open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (m->files[i] < 0)
			log_warn(NULL, "%s: %s", path, strerror(errno));
	}
}

bool marks_keep(const struct marks *m, unsigned int what, uint64_t key, const void *rec, size_t len,
		char *path, size_t path_len)
{
	const struct mark *at = find(m, what, key);
	unsigned int i;

	if (!at || !m->directory)
		return false;
	i = (unsigned int)(at - m->aside);
	file_path(m, i, path, path_len);
	return m->files[i] >= 0 && pwrite(m->files[i], rec, len, 0) == (ssize_t)len;
}
