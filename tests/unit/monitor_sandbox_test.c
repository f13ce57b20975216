/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The worker's sandbox from inside: each case enters the real one in a process of its own
 * and tries one thing. What is forbidden must have ended it with SIGSYS; what is allowed
 * must work.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/io_uring.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "loader/base/log.h"
#include "loader/monitor/sandbox.h"

#define SOMEBODY 65534

/* Opened before the sandbox, as the daemon does. */
static int pair[2], udp, file, epoll, timer;

static void open_all(void)
{
	char path[] = "/tmp/l2xdp-sandbox-XXXXXX";
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001) };

	file = mkstemp(path);
	unlink(path);
	udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	epoll = epoll_create1(EPOLL_CLOEXEC);
	timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	if (file < 0 || udp < 0 || bind(udp, (struct sockaddr *)&sa, sizeof(sa)) || epoll < 0 ||
	    timer < 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		_exit(99);
}

static void enter(bool debug)
{
	struct sandbox s = { .debug = debug, .parent = getppid() };
	char err[256];

	if (getuid() == 0) {
		s.change_user = true;
		s.uid = s.gid = SOMEBODY;
	}
	if (sandbox_drop(&s, err, sizeof(err)) || sandbox_filter(&s, err, sizeof(err))) {
		fprintf(stderr, "# %s\n", err);
		_exit(98);
	}
}

/* Runs it in there; returns what wait() says. */
static int inside(int (*what)(void), bool debug)
{
	pid_t pid = fork();
	int status = -1;

	if (pid == 0) {
		log_open(LOG_ERROR);
		open_all();
		dup2(file, STDERR_FILENO); /* not among the lines of the tests */
		enter(debug);
		_exit(what());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

/* ---- what is forbidden ---------------------------------------------------------------- */

static int try_open(void)
{
	return open("/etc/shadow", O_RDONLY) < 0;
}
static int try_open_write(void)
{
	return open("/tmp/l2xdp-sandbox", O_CREAT | O_WRONLY, 0600) < 0;
}
static int try_inet(void)
{
	return socket(AF_INET, SOCK_DGRAM, 0) < 0;
}
static int try_packet(void)
{
	return socket(AF_PACKET, SOCK_RAW, 0) < 0;
}
static int try_connect(void)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = 9 };

	return connect(udp, (struct sockaddr *)&sa, sizeof(sa));
}
static int try_execve(void)
{
	char *argv[] = { "/bin/true", NULL };

	return execve(argv[0], argv, NULL);
}
static int try_execveat(void)
{
	return (int)syscall(SYS_execveat, file, "", NULL, NULL, AT_EMPTY_PATH);
}
static int try_fork(void)
{
	return fork() < 0;
}
static int try_ptrace(void)
{
	return ptrace(PTRACE_ATTACH, getppid(), 0, 0) != 0;
}
static int try_memory_of_another(void)
{
	char byte;
	struct iovec iov = { &byte, 1 };

	return process_vm_readv(getppid(), &iov, 1, &iov, 1, 0) != 1;
}
static int try_bpf(void)
{
	union bpf_attr attr = { .map_type = BPF_MAP_TYPE_ARRAY };

	return syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr)) < 0;
}
static int try_mount(void)
{
	return mount("none", "/mnt", "tmpfs", 0, NULL);
}
static int try_unshare(void)
{
	return (int)syscall(SYS_unshare, 0x10000000 /* CLONE_NEWUSER */);
}
static int try_kill(void)
{
	return kill(getppid(), 0);
}
static int try_tgkill(void)
{
	return (int)syscall(SYS_tgkill, getppid(), getppid(), 0);
}
static int try_setuid(void)
{
	return setuid(0);
}
static int try_capset(void)
{
	return (int)syscall(SYS_capset, NULL, NULL);
}
static int try_code(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
	       MAP_FAILED;
}
static int try_to_code(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return mprotect(p, 4096, PROT_READ | PROT_EXEC);
}
static int try_option(void)
{
	int mark = 1;

	return setsockopt(udp, SOL_SOCKET, SO_MARK, &mark, sizeof(mark));
}
static int try_filter(void)
{
	int one = 1;

	return setsockopt(udp, SOL_SOCKET, SO_ATTACH_FILTER, &one, sizeof(one));
}
static int try_interface(void)
{
	char request[64] = "lo";

	return ioctl(udp, 0x8914 /* SIOCSIFFLAGS */, request);
}
static int try_typing(void)
{
	return ioctl(0, TIOCSTI, "x");
}
static int try_io_uring(void)
{
	struct io_uring_params p = { 0 };

	return syscall(SYS_io_uring_setup, 1, &p) < 0;
}
static int try_unlink(void)
{
	return unlink("/tmp/l2xdp-nothing");
}
static int try_chmod(void)
{
	return fchmod(file, 0777);
}
static int try_undumpable(void)
{
	return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}
static int try_module(void)
{
	return (int)syscall(SYS_finit_module, file, "", 0);
}
static int try_reboot(void)
{
	return (int)syscall(SYS_reboot, 0, 0, 0, NULL);
}
static int try_keys(void)
{
	return (int)syscall(SYS_add_key, "user", "x", "x", 1, -3);
}
static int try_clock(void)
{
	struct timespec ts = { 1, 0 };

	return clock_settime(CLOCK_REALTIME, &ts);
}
static int try_dup(void)
{
	return dup2(file, 0) < 0;
}
static int try_limits(void)
{
	struct rlimit r;

	return prlimit(getppid(), RLIMIT_NOFILE, NULL, &r);
}

/* ---- what the daemon lives by ----------------------------------------------------------- */

static int allow_datagrams(void)
{
	struct sockaddr_in sa;
	socklen_t len = sizeof(sa);
	struct iovec iov = { "hello", 5 };
	struct mmsghdr m = { .msg_hdr = { .msg_iov = &iov, .msg_iovlen = 1 } };
	char got[8];

	if (getsockname(udp, (struct sockaddr *)&sa, &len))
		return 1;
	m.msg_hdr.msg_name = &sa;
	m.msg_hdr.msg_namelen = len;
	if (sendmsg(udp, &m.msg_hdr, 0) != 5 || sendmmsg(udp, &m, 1, 0) != 1)
		return 2;
	m.msg_hdr.msg_iov = &(struct iovec){ got, sizeof(got) };
	if (recvmmsg(udp, &m, 1, 0, NULL) != 1 || m.msg_len != 5 || recv(udp, got, 8, 0) != 5)
		return 3;
	return 0;
}

static int allow_options(void)
{
	int v = IP_PMTUDISC_PROBE, off = 1;
	socklen_t len = sizeof(v);

	return setsockopt(udp, SOL_IP, IP_MTU_DISCOVER, &v, sizeof(v)) ||
	       setsockopt(udp, SOL_SOCKET, SO_NO_CHECK, &off, sizeof(off)) ||
	       getsockopt(udp, SOL_SOCKET, SO_ERROR, &v, &len);
}

static int allow_loop(void)
{
	struct itimerspec soon = { .it_value.tv_nsec = 1000000 };
	struct epoll_event e = { .events = EPOLLIN };
	uint64_t n;

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, timer, &e) || timerfd_settime(timer, 0, &soon, NULL))
		return 1;
	return epoll_wait(epoll, &e, 1, 5000) != 1 || read(timer, &n, sizeof(n)) != sizeof(n);
}

static int allow_asking(void)
{
	char got[4];

	return send(pair[0], "ask", 3, MSG_NOSIGNAL) != 3 || recv(pair[1], got, 4, 0) != 3;
}

static int allow_store(void)
{
	char *p;

	if (ftruncate(file, 8192) || pwrite(file, "x", 1, 4096) != 1 || fdatasync(file))
		return 1;
	p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	if (p == MAP_FAILED || p[4096] != 'x')
		return 2;
	p[0] = 'y';
	return msync(p, 8192, MS_SYNC) || munmap(p, 8192) || fsync(file);
}

static int allow_memory(void)
{
	for (size_t n = 1; n < 64 << 20; n *= 4) {
		char *p = malloc(n), *q;

		if (!p)
			return 1;
		memset(p, 1, n);
		q = realloc(p, 2 * n);
		if (!q)
			return 2;
		free(q);
	}
	return 0;
}

static void *thread(void *arg)
{
	free(malloc(100000));
	*(int *)arg = 42;
	return NULL;
}

static int allow_thread(void)
{
	pthread_t t;
	int v = 0;

	return pthread_create(&t, NULL, thread, &v) || pthread_join(t, NULL) || v != 42;
}

static int allow_log(void) /* it went to the file, see inside() */
{
	log_error(NULL, "a line from inside");
	return lseek(file, 0, SEEK_CUR) < 20;
}

/* ---- what it has become ------------------------------------------------------------------ */

/* Read by the parent, because nothing can be opened inside. */
static char status_text[8192];

static const char *line_of(const char *key)
{
	const char *at = strstr(status_text, key);

	assert_non_null(at);
	return at + strlen(key);
}

static int wait_there(void)
{
	char c;

	return (int)read(pair[1], &c, 1); /* for ever */
}

static pid_t start_waiting(void)
{
	int ready[2], status;
	pid_t pid;
	char c;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		log_open(LOG_ERROR);
		open_all();
		enter(false);
		if (write(ready[1], "", 1) != 1)
			_exit(97);
		_exit(wait_there());
	}
	close(ready[1]);
	if (read(ready[0], &c, 1) != 1) {
		waitpid(pid, &status, 0);
		fail_msg("it ended with %#x", (unsigned)status);
	}
	close(ready[0]);
	return pid;
}

static void it_has_no_capability_and_cannot_get_one(void **state)
{
	static const char *const none[] = { "CapInh:\t", "CapPrm:\t", "CapEff:\t", "CapAmb:\t" };
	pid_t pid = start_waiting();
	char path[64];
	FILE *f;

	(void)state;
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "re");
	assert_non_null(f);
	status_text[fread(status_text, 1, sizeof(status_text) - 1, f)] = '\0';
	fclose(f);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		assert_int_equal(strtoull(line_of(none[i]), NULL, 16), 0);
	assert_int_equal(atoi(line_of("NoNewPrivs:\t")), 1);
	if (sandbox_has_filter())
		assert_int_equal(atoi(line_of("Seccomp:\t")), 2);
	if (getuid() != 0)
		return;
	assert_int_equal(strtoull(line_of("CapBnd:\t"), NULL, 16), 0);
	assert_int_equal(atoi(line_of("Uid:\t")), SOMEBODY);
	assert_int_equal(atoi(line_of("Gid:\t")), SOMEBODY);
	assert_memory_equal(line_of("Groups:\t"), " \n", 2);
}

/* The monitor's death is the worker's, even when the kernel forgets the signal at the change
 * of user: the order in sandbox_drop is right. */
static void it_dies_with_its_parent(void **state)
{
	int alive[2];
	pid_t pid;
	char c;

	(void)state;
	assert_int_equal(pipe(alive), 0);
	pid = fork();
	if (pid == 0) {
		(void)start_waiting(); /* it holds a copy of alive[1] */
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	close(alive[1]);
	assert_int_equal(read(alive[0], &c, 1), 0); /* nobody has it any more */
	close(alive[0]);
}

static void a_parent_that_died_before_is_noticed(void **state)
{
	struct sandbox s = { .parent = getppid() }; /* of this process, not of the child */
	char err[256];
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		_exit(sandbox_drop(&s, err, sizeof(err)) == -ESRCH ? 0 : 1);
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
}

static void a_user_that_is_not_there_is_refused_with_the_remedy(void **state)
{
	struct sandbox s = { 0 };
	char err[512] = "";

	(void)state;
	if (getuid() != 0)
		skip();
	assert_int_equal(sandbox_user("no-such-user", &s, err, sizeof(err)), -ENOENT);
	assert_non_null(strstr(err, "useradd"));
	assert_int_equal(sandbox_user("nobody", &s, err, sizeof(err)), 0);
	assert_true(s.change_user);
	assert_int_equal(s.uid, 65534);
}

static const struct attempt {
	const char *name;
	int (*what)(void);
} forbidden[] = {
	{ "socket AF_INET", try_inet },
	{ "socket AF_PACKET", try_packet },
	{ "connect", try_connect },
	{ "execve", try_execve },
	{ "execveat", try_execveat },
	{ "fork", try_fork },
	{ "ptrace", try_ptrace },
	{ "process_vm_readv", try_memory_of_another },
	{ "bpf", try_bpf },
	{ "mount", try_mount },
	{ "unshare", try_unshare },
	{ "kill of another", try_kill },
	{ "tgkill of another", try_tgkill },
	{ "setuid", try_setuid },
	{ "capset", try_capset },
	{ "mmap of code", try_code },
	{ "mprotect to code", try_to_code },
	{ "setsockopt SO_MARK", try_option },
	{ "setsockopt SO_ATTACH_FILTER", try_filter },
	{ "ioctl SIOCSIFFLAGS", try_interface },
	{ "ioctl TIOCSTI", try_typing },
	{ "io_uring_setup", try_io_uring },
	{ "unlink", try_unlink },
	{ "fchmod", try_chmod },
	{ "prctl PR_SET_DUMPABLE", try_undumpable },
	{ "finit_module", try_module },
	{ "reboot", try_reboot },
	{ "add_key", try_keys },
	{ "clock_settime", try_clock },
	{ "dup2", try_dup },
	{ "prlimit of another", try_limits },
}, allowed[] = {
	{ "datagrams", allow_datagrams },
	{ "socket options of a message", allow_options },
	{ "epoll and timerfd", allow_loop },
	{ "asking the monitor", allow_asking },
	{ "the store's files", allow_store },
	{ "memory", allow_memory },
	{ "a thread", allow_thread },
	{ "the log", allow_log },
};

static void each_forbidden_call_ends_the_process(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++) {
		int status = inside(forbidden[i].what, false);

		if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
			fail_msg("%s: wait status %#x, not SIGSYS", forbidden[i].name,
				 (unsigned)status);
	}
}

/* malloc() and others try it by themselves: they are told no, and live. */
static void nothing_can_be_opened(void **state)
{
	int (*const tries[])(void) = { try_open, try_open_write };

	(void)state;
	for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
		int status = inside(tries[i], false);

		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 1); /* open gave -1 */
	}
}

static void with_debug_a_forbidden_call_fails_instead(void **state)
{
	int status;

	(void)state;
	status = inside(try_open, true);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 1); /* open gave -1 */
	status = inside(try_kill, true);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 255);
}

static void what_the_daemon_lives_by_is_allowed(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++) {
		int status = inside(allowed[i].what, false);

		if (status)
			fail_msg("%s: wait status %#x", allowed[i].name, (unsigned)status);
	}
}

int main(void)
{
	const struct CMUnitTest both[] = {
		cmocka_unit_test(it_has_no_capability_and_cannot_get_one),
		cmocka_unit_test(it_dies_with_its_parent),
		cmocka_unit_test(a_parent_that_died_before_is_noticed),
		cmocka_unit_test(a_user_that_is_not_there_is_refused_with_the_remedy),
		cmocka_unit_test(what_the_daemon_lives_by_is_allowed),
	};
	const struct CMUnitTest filter[] = {
		cmocka_unit_test(each_forbidden_call_ends_the_process),
		cmocka_unit_test(nothing_can_be_opened),
		cmocka_unit_test(with_debug_a_forbidden_call_fails_instead),
	};
	int failed = cmocka_run_group_tests_name("sandbox", both, NULL, NULL);

	if (sandbox_has_filter())
		failed += cmocka_run_group_tests_name("filter", filter, NULL, NULL);
	return failed;
}
