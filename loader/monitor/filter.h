/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The system calls of the worker. */
#ifndef L2XDP_MONITOR_FILTER_H
#define L2XDP_MONITOR_FILTER_H

#include <stdbool.h>

/* From here on every other system call ends the process at once (SIGSYS, with a line in the
 * kernel's log); with `debug` it fails with EPERM and the same line. A negative errno: the
 * kernel has no filters. */
int filter_load(bool debug);

#endif
