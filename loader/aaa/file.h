/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Small regular files that may hold secrets: read whole, freed wiped. */
#ifndef L2XDP_AAA_FILE_H
#define L2XDP_AAA_FILE_H

#include <stdbool.h>
#include <stddef.h>

struct file {
	char *text; /* NUL behind the last octet */
	size_t len;
	bool exposed; /* group or others can read or write it */
};

/* -EFBIG if it is larger than `most` octets, -EINVAL if it is no regular file (a FIFO or a
 * device would keep the daemon waiting), or what the system says. */
int file_read(const char *path, size_t most, struct file *ret);
/* The same of what is open, and closed here. */
int file_read_fd(int fd, size_t most, struct file *ret);
void file_wipe(struct file *f);

#endif
