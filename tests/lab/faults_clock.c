/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Another wall clock for one process, to be preloaded: CLOCK_REALTIME is shifted by the
 * seconds that stand as a 64-bit number in the file $FAULTS_CLOCK, whenever that changes.
 * No other clock is touched. faults_store_test.sh builds it.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *shift;
static int (*real_clock_gettime)(clockid_t id, struct timespec *ts);

__attribute__((constructor)) static void begin(void)
{
	const char *name = getenv("FAULTS_CLOCK");
	int fd = name ? open(name, O_RDONLY | O_CLOEXEC) : -1;
	void *p = MAP_FAILED;

	/* ISO C knows no conversion of a data pointer to a function's */
	*(void **)&real_clock_gettime = dlsym(RTLD_NEXT, "clock_gettime");
	if (fd >= 0) {
		p = mmap(NULL, sizeof(*shift), PROT_READ, MAP_SHARED, fd, 0);
		close(fd);
	}
	if (p != MAP_FAILED)
		shift = p;
}

int clock_gettime(clockid_t id, struct timespec *ts)
{
	int ret = real_clock_gettime(id, ts);

	if (ret == 0 && shift && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
		ts->tv_sec += (time_t)*shift;
	return ret;
}

time_t time(time_t *ret)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	if (ret)
		*ret = ts.tv_sec;
	return ts.tv_sec;
}

int gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
	struct timespec ts;

	(void)zone;
	clock_gettime(CLOCK_REALTIME, &ts);
	tv->tv_sec = ts.tv_sec;
	tv->tv_usec = ts.tv_nsec / 1000;
	return 0;
}
