// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How far the programs are from what a verifier takes: the instructions it walked, under the
 * smallest and the largest configuration. The kernel's limit is a million; ours is far below
 * it, for the verifier of 6.1 walks twice as many as a recent one, and features are to
 * come.
 */
#include <sys/utsname.h>

#include "tests/bpf/limits.h"
#include "tests/bpf/rig.h"

#include "bpf/l2xdp_tc.skel.h"

#define WALKED_MAX 180000u /* the largest configuration has pseudowires: 162 000 on 6.1 */
/* Of the program as it runs: the short way stands in it twice, and pseudowires have both their ways. */
#define SIZE_MAX_INSNS 16384u

static char log_text[4][1 << 20];

/* That the verifier walks more than it did is told where the figure is known: for a kernel. */
static void judge_growth(const char *program, const char *what, unsigned int walked)
{
	struct utsname u;
	char name[64];
	char *dot;

	if (uname(&u))
		return;
	dot = strchr(u.release, '.');
	if (dot)
		dot[1 + strspn(dot + 1, "0123456789")] = 0;
	snprintf(name, sizeof(name), "walked:%s:%s", program, what);
	limits_check(name, u.release, walked);
}

/* The bounds hold for each program. */
static void judge(struct bpf_program *program, const char *log, const char *what)
{
	struct bpf_prog_info info = {};
	uint32_t len = sizeof(info), insns;
	unsigned int walked;
	const char *at = strstr(log, "processed ");

	assert_non_null(at);
	assert_int_equal(sscanf(at, "processed %u insns", &walked), 1);
	assert_int_equal(bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &len), 0);
	insns = info.xlated_prog_len / 8;
	print_message("  %s, %s: the verifier walked %u instructions (bound %u), %u are left "
		      "(bound %u), %u octets of machine code\n",
		      bpf_program__name(program), what, walked, WALKED_MAX, insns, SIZE_MAX_INSNS,
		      info.jited_prog_len);
	assert_in_range(walked, 1, WALKED_MAX);
	judge_growth(bpf_program__name(program), what, walked);
	assert_in_range(insns, 1, SIZE_MAX_INSNS);
}

static void load_tc(const struct l2x_config *cfg, const char *what)
{
	static char text[3][1 << 20];
	struct l2xdp_tc_bpf *skel = l2xdp_tc_bpf__open();
	struct bpf_program *programs[3];

	assert_non_null(skel);
	skel->rodata->cfg = *cfg;
	programs[0] = skel->progs.l2xdp_tc;
	programs[1] = skel->progs.l2xdp_in;
	programs[2] = skel->progs.l2xdp_out;
	for (int i = 0; i < 3; i++) {
		text[i][0] = 0;
		bpf_program__set_log_buf(programs[i], text[i], sizeof(text[i]));
		bpf_program__set_log_level(programs[i], 4);
	}
	if (l2xdp_tc_bpf__load(skel))
		fail_msg("%s: %s%s%s", what, text[0], text[1], text[2]);
	for (int i = 0; i < 3; i++)
		judge(programs[i], text[i], what);
	l2xdp_tc_bpf__destroy(skel);
}

static void load(const struct l2x_config *cfg, const char *what)
{
	struct l2xdp_bpf *skel = l2xdp_bpf__open();
	struct bpf_program *programs[4];

	assert_non_null(skel);
	skel->rodata->cfg = *cfg;
	programs[0] = skel->progs.l2xdp;
	programs[1] = skel->progs.l2xdp_worker;
	programs[2] = skel->progs.l2xdp_circuit;
	programs[3] = skel->progs.l2xdp_door;
	for (int i = 0; i < 4; i++) {
		log_text[i][0] = 0;
		bpf_program__set_log_buf(programs[i], log_text[i], sizeof(log_text[i]));
		bpf_program__set_log_level(programs[i], 4); /* the figures only */
	}
	if (l2xdp_bpf__load(skel))
		fail_msg("%s: %s%s%s%s", what, log_text[0], log_text[1], log_text[2], log_text[3]);
	for (int i = 0; i < 4; i++)
		judge(programs[i], log_text[i], what);
	l2xdp_bpf__destroy(skel);
	load_tc(cfg, what);
}

static void set_rates(struct l2x_config *cfg)
{
	cfg->stranger_rate = cfg->stranger_total = cfg->control_rate = 100;
	cfg->unknown_rate = cfg->unknown_total = 100;
	cfg->punt_rate = cfg->punt_total = 100;
}

static void test_smallest(void **state)
{
	struct l2x_config cfg = { .schema = L2X_SCHEMA, .port = htons(1701) };

	(void)state;
	load(&cfg, "smallest");
}

static void test_usual(void **state)
{
	struct l2x_config cfg = rig_config();

	(void)state;
	set_rates(&cfg);
	load(&cfg, "usual");
}

static void test_largest(void **state)
{
	struct l2x_config cfg = rig_config();
	unsigned int i;

	(void)state;
	cfg.n_listen = L2X_MAX_LISTEN;
	cfg.n_windows4 = cfg.n_windows6 = L2X_MAX_WINDOWS;
	cfg.shard_mask = L2X_MAX_SHARDS - 1;
	cfg.n_peers = L2X_MAX_PEERS;
	cfg.verify_checksum = cfg.isolate = 1;
	cfg.pw_mask = L2X_MAX_PWS - 1;
	cfg.pw_ifindex = cfg.pw_door = 1;
	cfg.pw_rate = 100;
	set_rates(&cfg);
	for (i = 0; i < L2X_MAX_WINDOWS; i++) {
		cfg.listen[i] = rig_addr(i & 1 ? RIG_LNS4 : RIG_LNS6);
		cfg.window4[i] = (struct l2x_window4){ i << 24, 1 << 20, i << 20 };
		cfg.window6[i] = (struct l2x_window6){ (uint64_t)i << 40, 1 << 20, i << 20 };
	}
	load(&cfg, "largest");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_smallest),
		cmocka_unit_test(test_usual),
		cmocka_unit_test(test_largest),
	};

	if (geteuid()) {
		printf("1..0 # SKIP loading programs needs root\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
