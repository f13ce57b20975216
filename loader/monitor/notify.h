/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a service manager wants to know (sd_notify(3)): "READY=1" and the like. */
#ifndef L2XDP_MONITOR_NOTIFY_H
#define L2XDP_MONITOR_NOTIFY_H

/* Lines of NAME=VALUE to the socket that NOTIFY_SOCKET names; nothing without one. */
void notify(const char *text);
/* RELOADING=1 with the time that it has to carry. */
void notify_reloading(void);

#endif
