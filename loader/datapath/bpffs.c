/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libxdp keeps what it knows of a shared hook in a BPF file system, at /sys/fs/bpf. Inside
 * `ip netns exec` and in many containers there is none. Then we make one that is mounted
 * nowhere and reached by its descriptor alone: no directory to collide over, nothing to
 * clean up, gone with the last process that holds it.
 */
#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "loader/datapath/private.h"

#define BPFFS "/sys/fs/bpf"
#define BPFFS_VARIABLE "LIBXDP_BPFFS"

static int make_private(void)
{
	int fs = fsopen("bpf", FSOPEN_CLOEXEC), fd = -1, rc;

	if (fs < 0)
		return -errno;
	if (fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
		fd = fsmount(fs, FSMOUNT_CLOEXEC, 0);
	rc = fd < 0 ? -errno : fd;
	close(fs);
	return rc;
}

/* libxdp remembers the path for the life of the process, so the descriptor lives as long. */
int bpffs_prepare(void)
{
	static int private_fd = -1;
	char path[32];
	struct statfs st;

	if (private_fd < 0 && getenv(BPFFS_VARIABLE))
		return 0;
	if (private_fd < 0 && statfs(BPFFS, &st) == 0 && st.f_type == BPF_FS_MAGIC)
		return 0;
	if (private_fd < 0) {
		int fd = make_private();

		if (fd < 0)
			return fd;
		private_fd = fd;
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		setenv(BPFFS_VARIABLE, path, 1);
	}
	return 0;
}
