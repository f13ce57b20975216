/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An allow-list. Everything that the worker reads or writes was opened before: sockets, the
 * TUN device, maps, the store. So nothing here opens, makes or names anything: no open, no
 * socket, no connect, no execve, no fork, no signal to another process, no bpf, no mount.
 */
#include "loader/monitor/filter.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANY_OF(a) (sizeof(a) / sizeof((a)[0]))

/* Harmless whatever their arguments are: they act on what is open, or on this process. */
static const char *const plain[] = {
	/* the event loop */
	"epoll_wait",
	"epoll_pwait",
	"epoll_pwait2",
	"epoll_ctl",
	"poll",
	"ppoll",
	"timerfd_settime",
	"clock_gettime",
	"clock_getres",
	"gettimeofday",
	"time",
	"clock_nanosleep",
	"nanosleep",
	"restart_syscall",
	/* what is open: packets, control socket, log, netlink */
	"read",
	"write",
	"readv",
	"writev",
	"recvfrom",
	"recvmsg",
	"recvmmsg",
	"sendto",
	"sendmsg",
	"sendmmsg",
	"accept4",
	"accept",
	"shutdown",
	"getsockname",
	"close",
	/* the store */
	"pread64",
	"pwrite64",
	"pwritev",
	"fdatasync",
	"fsync",
	"msync",
	"ftruncate",
	"lseek",
	"sync_file_range",
	"fallocate",
	"fstatfs", /* is its disk full? */
	/* memory */
	"brk",
	"sysinfo", /* qsort(): how much there is */
	"munmap",
	"mremap",
	"madvise",
	/* threads, signals, the end */
	"futex",
	"sched_yield",
	"sched_getaffinity",
	"set_robust_list",
	"rseq",
	"gettid",
	"getpid",
	"getppid",
	"getuid",
	"geteuid",
	"getgid",
	"getegid",
	"rt_sigaction",
	"rt_sigprocmask",
	"rt_sigreturn",
	"sigaltstack",
	"getrandom",
	"exit",
	"exit_group",
};

/* Allowed when one argument is as told. */
static const struct narrow {
	const char *name;
	unsigned int argument;
	uint64_t mask, value; /* argument & mask == value */
} narrow[] = {
	/* no memory that is code */
	{ "mmap", 2, PROT_EXEC, 0 },
	{ "mprotect", 2, PROT_EXEC, 0 },
	/* threads, not processes */
	{ "clone", 0, CLONE_THREAD | CLONE_VM | CLONE_SIGHAND,
	  CLONE_THREAD | CLONE_VM | CLONE_SIGHAND },
	{ "fcntl", 1, ~0u, F_GETFD },
	{ "fcntl", 1, ~0u, F_SETFD },
	{ "fcntl", 1, ~0u, F_GETFL },
	{ "fcntl", 1, ~0u, F_SETFL },
	{ "fcntl", 1, ~0u, F_SETLK }, /* LMDB: which readers live */
	{ "fcntl", 1, ~0u, F_SETLKW },
	{ "fcntl", 1, ~0u, F_GETLK },
	{ "ioctl", 1, ~0u, FIONREAD }, /* libevent: how much there is to read */
	{ "ioctl", 1, ~0u, SIOCGIFNAME }, /* what MTU a way's device has */
	{ "ioctl", 1, ~0u, SIOCGIFMTU },
	{ "prctl", 0, ~0u, PR_SET_NAME },
};

/* Answered with an error, not with death: libraries try these by themselves (malloc() looks
 * into /proc when a thread's heap shrinks), and go on without. Nothing is opened. */
static const char *const refused[] = { "open", "openat" };

/* What loader/datapath/socket.c changes for a message. */
static const struct {
	int level, name;
} socket_options[] = {
	{ SOL_IP, IP_MTU_DISCOVER },
	{ SOL_IPV6, IPV6_MTU_DISCOVER },
	{ SOL_IPV6, IPV6_DONTFRAG },
	{ SOL_SOCKET, SO_NO_CHECK },
};

static int allow(scmp_filter_ctx f, const char *name, unsigned int n, const struct scmp_arg_cmp *a)
{
	int number = seccomp_syscall_resolve_name(name);

	if (number == __NR_SCMP_ERROR)
		return 0; /* not of this machine */
	return seccomp_rule_add_array(f, SCMP_ACT_ALLOW, number, n, a);
}

static int allow_options(scmp_filter_ctx f)
{
	const struct scmp_arg_cmp error[] = { SCMP_A1(SCMP_CMP_EQ, SOL_SOCKET),
					      SCMP_A2(SCMP_CMP_EQ, SO_ERROR) };
	int rc = allow(f, "getsockopt", 2, error);

	for (size_t i = 0; rc == 0 && i < ANY_OF(socket_options); i++) {
		const struct scmp_arg_cmp is[] = {
			SCMP_A1(SCMP_CMP_EQ, (scmp_datum_t)socket_options[i].level),
			SCMP_A2(SCMP_CMP_EQ, (scmp_datum_t)socket_options[i].name)
		};

		rc = allow(f, "setsockopt", 2, is);
	}
	return rc;
}

static int allow_all(scmp_filter_ctx f)
{
	/* abort() and raise() */
	const struct scmp_arg_cmp self = SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid());
	int rc = allow(f, "tgkill", 1, &self);

	for (size_t i = 0; rc == 0 && i < ANY_OF(plain); i++)
		rc = allow(f, plain[i], 0, NULL);
	for (size_t i = 0; rc == 0 && i < ANY_OF(narrow); i++) {
		const struct scmp_arg_cmp is = SCMP_CMP(narrow[i].argument, SCMP_CMP_MASKED_EQ,
							narrow[i].mask, narrow[i].value);

		rc = allow(f, narrow[i].name, 1, &is);
	}
	rc = rc ?: allow_options(f);
	for (size_t i = 0; rc == 0 && i < ANY_OF(refused); i++) {
		int number = seccomp_syscall_resolve_name(refused[i]);

		if (number != __NR_SCMP_ERROR)
			rc = seccomp_rule_add(f, SCMP_ACT_ERRNO(EACCES), number, 0);
	}
	/* its flags are in memory, where a filter cannot look: the C library takes clone then */
	return rc ?: seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
}

int filter_load(bool debug)
{
	scmp_filter_ctx f = seccomp_init(debug ? SCMP_ACT_ERRNO(EPERM) : SCMP_ACT_KILL_PROCESS);
	int rc;

	if (!f)
		return -ENOMEM;
	rc = debug ? seccomp_attr_set(f, SCMP_FLTATR_CTL_LOG, 1) : 0;
	rc = rc ?: seccomp_attr_set(f, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a tree, not a list */
	rc = rc ?: allow_all(f);
	rc = rc ?: seccomp_load(f);
	seccomp_release(f);
	return rc;
}
