/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pseudowires that l2xdpctl has added: a file in the state directory, read beside the
 * configuration, one entry a line. The privileged process alone writes it; but the directory is the
 * worker's, so what is read there is taken for its words: it may be any text, and is no link to
 * another file.
 *
 * A change is written beside it first, and takes its place when the whole has been checked.
 */
#ifndef L2XDP_CONTROL_MANAGED_H
#define L2XDP_CONTROL_MANAGED_H

#include <stdbool.h>
#include <stddef.h>

#include "loader/aaa/file.h"

#define MANAGED_FILE "pseudowires.yaml"
#define MANAGED_CHANGED "pseudowires.yaml.new" /* asked for, not yet in use */
#define MANAGED_ENTRY 2048 /* octets of an entry, with the NUL */

/* The file `name` in directory `dir`; its path for messages in `path`. 0 with ret->text NULL: it is
 * not there, unless it must. -EINVAL: no regular file with one name; or what the system says. */
int managed_read(const char *dir, const char *name, bool must, struct file *ret, char *path,
		 size_t len);

/* Writes MANAGED_CHANGED: MANAGED_FILE with the entry of that name added, or without it where
 * `entry` is NULL. An entry is one line of JSON (which is YAML) in printable ASCII that begins with
 * {"name":"NAME", and is not checked further here. 0, or a negative errno with `text` in words:
 * -EEXIST, -ENOENT, -EINVAL, or what the system says. */
int managed_change(const char *dir, const char *name, const char *entry, char *text, size_t len);
/* It takes the place of MANAGED_FILE, on the disk when this returns 0. */
int managed_take(const char *dir);
/* It is removed. */
void managed_drop(const char *dir);

#endif
