/* SPDX-License-Identifier: GPL-2.0-or-later */
/* l2xdpctl as people run it, against a socket that gives made-up answers. */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

static bool renewed; /* the daemon ends after its answer, and another one starts */
static char tool[4096], dir[32], path[64], output[65536], request[4096];

/* build/l2xdpctl, seen from build/tests/unit/ctl_program_test */
static int setup(void **state)
{
	ssize_t n = readlink("/proc/self/exe", tool, sizeof(tool) - 32);
	int i;

	(void)state;
	assert_true(n > 0);
	tool[n] = '\0';
	for (i = 0; i < 3; i++)
		*strrchr(tool, '/') = '\0';
	strcat(tool, "/l2xdpctl");
	if (access(tool, X_OK))
		fail_msg("%s is not built", tool);
	strcpy(dir, "/tmp/ctl-XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/sock", dir);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(dir);
}

static int listen_at(void)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	unlink(path);
	strcpy(sa.sun_path, path);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(listen(fd, 1), 0);
	return fd;
}

/* One connection, one line each way. */
static void serve(int server, char asked[static 4096], const char *answer)
{
	int fd = accept(server, NULL, NULL);
	size_t got = 0;
	ssize_t more;

	do {
		more = read(fd, asked + got, 4095 - got);
		assert_true(more > 0);
		got += (size_t)more;
	} while (asked[got - 1] != '\n');
	asked[got] = '\0';
	assert_int_equal(send(fd, answer, strlen(answer), MSG_NOSIGNAL), (ssize_t)strlen(answer));
	close(fd);
}

/* Runs the tool; its standard output and error go to `output`. Returns its exit code. */
static int run(const char *arguments, const char *answer)
{
	int server = answer ? listen_at() : -1, status;
	char command[8192];
	size_t n;
	FILE *p;

	snprintf(command, sizeof(command), "%s --socket %s %s 2>&1", tool, path, arguments);
	p = popen(command, "r");
	assert_non_null(p);
	if (answer) {
		serve(server, request, answer);
		close(server);
	}
	if (renewed) {
		char again[4096];

		server = listen_at();
		serve(server, again, "{\"ok\":true,\"result\":[]}\n");
		close(server);
	}
	n = fread(output, 1, sizeof(output) - 1, p);
	output[n] = '\0';
	status = pclose(p);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void expect(int code, const char *arguments, const char *answer, const char *says)
{
	int got = run(arguments, answer);

	if (got != code || !strstr(output, says))
		fail_msg("%s: exit %d, \"%s\", not %d, \"%s\"", arguments, got, output, code, says);
}

#define SESSION(user)                                                                              \
	"{\"id\":65537,\"tunnel\":1,\"session\":1,\"peer_tunnel\":2,\"peer_session\":3,"           \
	"\"peer\":\"carrier\",\"address\":\"192.0.2.9\",\"port\":1701,\"user\":\"" user            \
	"\",\"state\":\"open\",\"authentication\":\"chap\",\"ipv4\":\"10.0.0.2\",\"ipv6\":null,"   \
	"\"mtu\":1460,\"age\":3725,\"sequencing\":false,\"rx\":{\"hook_packets\":999,"             \
	"\"hook_bytes\":1234567,\"slow_packets\":1,\"slow_bytes\":0,\"drops\":5},"                 \
	"\"tx\":{\"hook_packets\":1000,\"hook_bytes\":42}}"

static void sessions_become_a_table(void **state)
{
	(void)state;
	expect(0, "show sessions",
	       "{\"ok\":true,\"result\":[" SESSION("joe") "," SESSION("ann") "]}\n", "joe");
	assert_string_equal(request, "{\"command\":\"show sessions\",\"options\":{}}\n");
	assert_non_null(strstr(output, "ann"));
	assert_non_null(strstr(output, "1h02m"));
	assert_non_null(strstr(output, "1.2 MB"));
	assert_non_null(strstr(output, "42 B"));
	assert_non_null(strstr(output, "99.9%")); /* never rounded up to all */
	expect(0, "show sessions", "{\"ok\":true,\"result\":[]}\n", "ID");
	run("show sessions --peer carrier --user 'joe x' --limit 3",
	    "{\"ok\":true,\"result\":[]}\n");
	assert_non_null(strstr(request, "\"peer\":\"carrier\""));
	assert_non_null(strstr(request, "\"user\":\"joe x\""));
	assert_non_null(strstr(request, "\"limit\":\"3\""));
	run("show sessions --ipv4 10.0.0.0/8 --after 65537 --json",
	    "{\"ok\":true,\"result\":[]}\n");
	assert_non_null(strstr(request, "\"ipv4\":\"10.0.0.0/8\""));
	assert_non_null(strstr(request, "\"after\":\"65537\""));
	assert_string_equal(output, "[]\n");
}

/* ---- lists of any length ---- */

static void send_whole(int fd, const char *text)
{
	size_t len = strlen(text);

	while (len) {
		ssize_t n = send(fd, text, len, MSG_NOSIGNAL);

		assert_true(n > 0);
		text += n;
		len -= (size_t)n;
	}
}

/* `l2xdpctl show sessions` with its output at *ret_out, and the connection that it asks by. */
static pid_t start(const char *more, int *ret_out, int *ret_fd)
{
	int server = listen_at(), out[2];
	char asked[4096];
	pid_t pid;

	assert_int_equal(pipe(out), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		dup2(out[1], STDOUT_FILENO);
		dup2(out[1], STDERR_FILENO);
		close(out[0]);
		close(out[1]);
		execl(tool, tool, "--socket", path, "show", "sessions", more, NULL);
		_exit(127);
	}
	close(out[1]);
	*ret_out = out[0];
	*ret_fd = accept(server, NULL, NULL);
	close(server);
	assert_true(read(*ret_fd, asked, sizeof(asked)) > 0);
	return pid;
}

static int end(pid_t pid, int out, struct rusage *ret)
{
	int status;

	close(out);
	assert_int_equal(wait4(pid, &status, 0, ret), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static bool read_some(int out)
{
	ssize_t n = read(out, output, sizeof(output) - 1);

	output[n > 0 ? n : 0] = '\0';
	return n > 0;
}

/* Until so many lines have come, or the end. */
static unsigned int read_lines(int out, unsigned int most)
{
	unsigned int lines = 0;

	while (lines < most && read_some(out)) {
		for (const char *p = output; (p = strchr(p, '\n')); p++)
			lines++;
	}
	return lines;
}

static void long_list_is_shown_while_it_comes(void **state)
{
	static const char *const options[] = { "--limit=9999", "--json" };
	struct rusage use;
	unsigned int i, k;
	bool told;

	(void)state;
	for (k = 0; k < 2; k++) {
		int out, fd;
		pid_t pid = start(options[k], &out, &fd), sender = fork();

		if (sender == 0) {
			send_whole(fd, "{\"ok\":true,\"result\":[" SESSION("joe"));
			for (i = 0; i < 2000; i++)
				send_whole(fd, "," SESSION("a],}\\\"b"));
			pause();
			_exit(0);
		}
		close(fd);
		/* the daemon has not said that this is all */
		assert_true(read_lines(out, 1000) >= 1000);
		kill(sender, SIGKILL); /* and never will */
		waitpid(sender, NULL, 0);
		told = false;
		while (read_some(out))
			told |= strstr(output, "closed the connection") != NULL;
		assert_true(told);
		assert_int_equal(end(pid, out, &use), 3);
	}
}

/* To a pipe that somebody reads. */
static void drink(int out)
{
	pid_t pid = fork();

	if (pid == 0) {
		while (read(out, output, sizeof(output)) > 0)
			;
		_exit(0);
	}
}

static void long_list_takes_no_memory(void **state)
{
	static const char *const options[] = { "--limit=99999", "--json" };
	long most[2] = { 0 };
	unsigned int i, k, n;

	(void)state;
	/* an address sanitizer would keep what was freed */
	setenv("ASAN_OPTIONS", "quarantine_size_mb=0:thread_local_quarantine_size_kb=0", 1);
	for (k = 0; k < 2; k++) {
		for (n = 2000; n <= 40000; n += 38000) {
			struct rusage use;
			int out, fd;
			pid_t pid = start(options[k], &out, &fd);

			drink(out);
			send_whole(fd, "{\"ok\":true,\"result\":[" SESSION("joe"));
			for (i = 1; i < n; i++)
				send_whole(fd, "," SESSION("joe"));
			send_whole(fd, "]}\n");
			close(fd);
			assert_int_equal(end(pid, out, &use), 0);
			most[n > 2000] = use.ru_maxrss;
		}
		/* KiB; the answer has 20 MB more */
		assert_true(most[1] - most[0] < 1024);
	}
}

static void one_session_is_shown_whole(void **state)
{
	(void)state;
	expect(0, "show session 65537", "{\"ok\":true,\"result\":" SESSION("joe") "}\n",
	       "hook 999 packets, 1.2 MB; slow path 1 packets");
	assert_non_null(strstr(request, "\"arguments\":[\"65537\"]"));
}

static void json_is_handed_on_as_it_came(void **state)
{
	(void)state;
	expect(0, "show tunnels --json", "{\"ok\":true,\"result\":[{\"id\":7,\"new\":[1,2]}]}\n",
	       "[{\"id\":7,\"new\":[1,2]}]\n");
	assert_int_equal(output[0], '[');
	expect(0, "--json clear tunnel 7", "{\"ok\":true,\"result\":{\"cleared\":7}}\n",
	       "{\"cleared\":7}\n");
}

static void names_from_the_network_cannot_write_to_the_terminal(void **state)
{
	(void)state;
	expect(0, "show sessions",
	       "{\"ok\":true,\"result\":[" SESSION("\\u001b[2J\\nx\\u202e") "]}\n", "x1b[2J");
	assert_null(strchr(output, '\x1b'));
	assert_null(strstr(output, "\xe2\x80\xae"));
	expect(1, "show session 1",
	       "{\"ok\":false,\"error\":\"\\u001b]0;x\",\"code\":\"not-found\"}\n", "x1b]0;x");
	assert_null(strchr(output, '\x1b'));
}

static void verdicts_stand_by_frequency(void **state)
{
	static const char answer[] = "{\"ok\":true,\"result\":["
				     "{\"number\":0,\"verdict\":\"not-ours\",\"class\":\"PASS\","
				     "\"frames\":1,\"text\":\"a\"},"
				     "{\"number\":1,\"verdict\":\"decap\",\"class\":\"FORWARD\","
				     "\"frames\":3,\"text\":\"b\"},"
				     "{\"number\":2,\"verdict\":\"encap\",\"class\":\"FORWARD\","
				     "\"frames\":0,\"text\":\"c\"}"
				     "]}\n";

	(void)state;
	expect(0, "show verdicts", answer, "75.0%");
	assert_true(strstr(output, "decap") < strstr(output, "not-ours"));
	assert_null(strstr(output, "encap"));
	expect(0, "show verdicts --all", answer, "encap");
}

static void workers_stand_in_a_table(void **state)
{
	static const char answer[] =
		"{\"ok\":true,\"result\":{\"mode\":\"list\",\"on\":true,\"advice\":\"helps\","
		"\"text\":\"others idle\",\"sessions_here\":3,\"moving\":2,\"workers\":["
		"{\"cpu\":5,\"state\":\"leaves\",\"sessions\":17,\"frames\":123456789012,"
		"\"rate\":4242,\"lost\":8}]}}\n";

	(void)state;
	expect(0, "show workers", answer, "123456789012");
	assert_non_null(strstr(output, "others idle"));
	assert_non_null(strstr(output, "3 where their frames arrive, 2 moving"));
	assert_non_null(strstr(output, "leaves"));
	assert_non_null(strstr(output, "4242"));
	expect(2, "show workers 5", NULL, "no arguments");
}

static void preflight_ends_with_one_if_fatal(void **state)
{
	(void)state;
	expect(1, "preflight eth0",
	       "{\"ok\":true,\"result\":[{\"device\":\"eth0\",\"ok\":false,\"findings\":[{"
	       "\"level\":\"fatal\",\"what\":\"LRO is on\",\"remedy\":\"ethtool -K eth0 lro off\"}"
	       "]}]}\n",
	       "# ethtool -K eth0 lro off");
	expect(0, "preflight eth0",
	       "{\"ok\":true,\"result\":[{\"device\":\"eth0\",\"ok\":true,\"findings\":[]}]}\n",
	       "eth0: ready");
}

static void drain_asks_for_whom(void **state)
{
	(void)state;
	expect(0, "drain", "{\"ok\":true,\"result\":{\"drained\":null,\"rate\":0}}\n",
	       "no new calls from any peer\n");
	assert_string_equal(request, "{\"command\":\"drain\",\"options\":{}}\n");
	assert_null(strstr(output, "closed"));
	expect(0, "drain --peer carrier --rate 50",
	       "{\"ok\":true,\"result\":{\"drained\":\"carrier\",\"rate\":50}}\n",
	       "from carrier\nits sessions are closed, 50 a second");
	assert_non_null(strstr(request, "\"peer\":\"carrier\""));
	assert_non_null(strstr(request, "\"rate\":\"50\""));
	expect(0, "undrain --peer carrier",
	       "{\"ok\":true,\"result\":{\"undrained\":\"carrier\"}}\n",
	       "new calls from carrier are taken again");
	assert_string_equal(request,
			    "{\"command\":\"undrain\",\"options\":{\"peer\":\"carrier\"}}\n");
	expect(2, "drain --rate 5", NULL, "--rate with --peer");
	expect(2, "drain carrier", NULL, "--peer NAME");
	expect(2, "undrain --rate 5", NULL, "undrain has no --rate");
	expect(2, "drain --peer '\xff'", NULL, "UTF-8");
}

static void peers_become_a_table(void **state)
{
	(void)state;
	expect(0, "show peers",
	       "{\"ok\":true,\"result\":[{\"name\":\"carrier\",\"tunnels\":2,\"sessions\":300,"
	       "\"half_open\":7,\"refused\":8,\"draining\":true,\"rate\":50},{\"name\":\"other\","
	       "\"tunnels\":0,\"sessions\":0,"
	       "\"half_open\":0,\"refused\":0,\"draining\":false,\"rate\":0}]}\n",
	       "carrier        2       300       7        8  yes         50\n");
	assert_non_null(
		strstr(output, "other          0         0       0        0  no           -\n"));
}

#define START(origin, behind, more)                                                                \
	"\"start\":{\"origin\":\"" origin "\",\"behind\":" behind                                  \
	",\"tunnels\":3,\"sessions\":4711,\"dropped\":1,\"ms\":80,\"kept\":4700,\"put\":11,"       \
	"\"removed\":2" more "}"

static void state_tells_what_would_be_left(void **state)
{
	(void)state;
	expect(0, "show state",
	       "{\"ok\":true,\"result\":{\"runtime_directory\":\"/run/l2xdp\","
	       "\"state_directory\":\"/var/lib/l2xdp\",\"bpf_directory\":\"/sys/fs/bpf/l2xdp\","
	       "\"draining\":false," START(
		       "runtime", "null",
		       ",\"maps_adopted\":true") ",\"store\":{\"records\":5000,\"octets\":2000000,"
						 "\"commits\":9,"
						 "\"failed_commits\":0,\"durable_commits\":8,"
						 "\"durable_behind_ms\":0,"
						 "\"error\":null}}}\n",
	       "3 tunnels, 4711 sessions in 80 ms; 1 sessions could not be kept");
	assert_non_null(strstr(output, "as the daemon before left it"));
	assert_non_null(strstr(output, "4700 sessions stood there"));
	assert_non_null(strstr(output, "11 sessions put into the maps, 2 taken out"));
	assert_non_null(strstr(output, "up to date"));
	assert_null(strstr(output, "FAILING"));
	expect(0, "show state",
	       "{\"ok\":true,\"result\":{\"bpf_directory\":null,\"draining\":true," START(
		       "durable", "90",
		       ",\"maps_adopted\":false,\"note\":\"set aside\",\"maps_note\":\"other "
		       "sizes\"") ",\"store\":{\"durable_behind_ms\":4000,\"error\":\"disk "
				  "full\"}}}\n",
	       "FAILING         disk full");
	assert_non_null(strstr(output, "last written 1m30s before"));
	assert_non_null(strstr(output, "set aside"));
	assert_non_null(strstr(output, "made anew"));
	assert_non_null(strstr(output, "other sizes"));
	assert_non_null(strstr(output, "4000 ms behind"));
	assert_non_null(strstr(output, "yes, all peers"));
	assert_non_null(strstr(output, "bpf-directory: none"));
}

static void reload_tells_each_fault(void **state)
{
	(void)state;
	renewed = true;
	expect(0, "reload", "{\"ok\":true,\"result\":{\"reloading\":true,\"text\":null}}\n",
	       "has taken the configuration");
	assert_string_equal(request, "{\"command\":\"reload\",\"options\":{\"force\":false}}\n");
	renewed = false;
	expect(1, "reload",
	       "{\"ok\":false,\"error\":\"reload: f:1: this\\nf:2: that\\u001b[2J\","
	       "\"code\":\"failed\"}\n",
	       "l2xdpctl: reload: f:1: this\nf:2: that\\x1b[2J\n");
	expect(4, "reload",
	       "{\"ok\":false,\"error\":\"session 7 would end\",\"code\":\"needs-force\"}\n",
	       "session 7 would end");
	renewed = true;
	expect(0, "reload --force",
	       "{\"ok\":true,\"result\":{\"reloading\":true,\"text\":\"session 7 ends\"}}\n",
	       "session 7 ends\nthe daemon");
	renewed = false;
	assert_non_null(strstr(request, "\"force\":true"));
	expect(2, "reload x", NULL, "no arguments");
	expect(2, "shutdown --force", NULL, "shutdown has no --force");
}

static void shutdown_says_what_it_closes(void **state)
{
	(void)state;
	expect(0, "shutdown", "{\"ok\":true,\"result\":{\"closing\":12}}\n", "closes 12 sessions");
	assert_string_equal(request, "{\"command\":\"shutdown\"}\n");
	expect(2, "shutdown now", NULL, "no arguments");
}

/* ---- pseudowires ---- */

#define WAYS                                                                                       \
	"\"rx\":{\"frames\":99,\"bytes\":1234568,\"hook_frames\":90,\"hook_bytes\":1234567,"       \
	"\"slow_frames\":9,\"slow_bytes\":1,\"drops\":3,\"lost\":2},\"tx\":{\"frames\":1,"         \
	"\"bytes\":42,\"hook_frames\":1,\"hook_bytes\":42,\"drops\":4}"
#define PSEUDOWIRE                                                                                 \
	"{\"name\":\"vm3\",\"state\":\"down\",\"why\":\"there is no netns vm3\","                  \
	"\"encapsulation\":\"udp\",\"peer\":\"198.51.100.7\",\"port\":5000,"                       \
	"\"local_address\":\"192.0.2.1\",\"local_port\":1701,\"mtu\":1472,\"session\":{"           \
	"\"local\":3,\"remote\":7},\"cookie_octets\":{\"local\":8,\"local_second\":8,"             \
	"\"remote\":4},\"sublayer\":{\"local\":\"none\",\"remote\":\"default\"},"                  \
	"\"sequencing\":\"send\",\"too_large\":\"icmp\",\"attach\":{\"device\":\"l2tpeth3\","      \
	"\"netns\":\"vm3\",\"vlan\":[100,7],\"tag\":\"keep\",\"mode\":\"native\","                 \
	"\"program_device\":\"l2tpw3\"}," WAYS "}"

static void control_connections_of_pseudowires_are_told(void **state)
{
	(void)state;
	expect(0, "pseudowire show b7",
	       "{\"ok\":true,\"result\":{\"name\":\"b7\",\"state\":\"up\",\"control\":{"
	       "\"name\":\"b1\",\"tunnel\":4000000000,\"peer_tunnel\":70000,\"state\":"
	       "\"established\",\"host_name\":\"far\",\"why\":null,\"redial\":null,\"keepalive\":"
	       "false,\"remote_end_id\":\"end7\",\"session\":{\"state\":\"established\","
	       "\"peer_circuit\":\"down\"}}," WAYS "}}\n",
	       "tunnel 4000000000 of b1, theirs 70000, established, host name far");
	assert_non_null(strstr(output, "end7"));
	assert_non_null(strstr(output, "established, the peer's circuit is down"));
	expect(0, "pseudowire show b7",
	       "{\"ok\":true,\"result\":{\"name\":\"b7\",\"state\":\"down\",\"control\":{"
	       "\"name\":\"b1\",\"tunnel\":0,\"state\":\"dialling\",\"host_name\":null,"
	       "\"why\":\"no answer\",\"redial\":7,\"keepalive\":true,\"session\":null}," WAYS
	       "}}\n",
	       "dialling, of b1");
	assert_non_null(strstr(output, "in 7 s"));
	expect(0, "show tunnels",
	       "{\"ok\":true,\"result\":[{\"id\":4000000000,\"peer\":\"b1\",\"address\":"
	       "\"192.0.2.1\",\"port\":0,\"version\":3,\"encapsulation\":\"ip\",\"state\":\"up\"}]}"
	       "\n",
	       "4000000000  b1    192.0.2.1    ip  up");
	assert_non_null(strstr(output, "v3"));
}

static void pseudowires_become_a_table(void **state)
{
	(void)state;
	expect(0, "pseudowire show", "{\"ok\":true,\"result\":[" PSEUDOWIRE "]}\n",
	       "vm3   down   198.51.100.7  udp    l2tpeth3 vlan 100.7 in vm3         99  1.2 MB");
	assert_string_equal(request, "{\"command\":\"pseudowire show\"}\n");
	assert_non_null(strstr(output, "there is no netns vm3"));
	assert_non_null(strstr(output, "91.0%"));
	expect(0, "pseudowire show --json", "{\"ok\":true,\"result\":[" PSEUDOWIRE "]}\n",
	       "\"cookie_octets\":{\"local\":8");
	expect(0, "pseudowire show vm3", "{\"ok\":true,\"result\":" PSEUDOWIRE "}\n",
	       "ours 3, theirs 7");
	assert_non_null(strstr(request, "\"arguments\":[\"vm3\"]"));
	assert_non_null(strstr(output, "8 octets expected (either of two), 4 sent"));
	assert_non_null(strstr(output, "none expected, default sent"));
	assert_non_null(strstr(output, "down: there is no netns vm3"));
	assert_non_null(strstr(output, "native on l2tpw3"));
	assert_non_null(strstr(output, "slow path 9 frames"));
	expect(1, "pseudowire show x",
	       "{\"ok\":false,\"error\":\"there is none\",\"code\":\"not-found\"}\n", "none");
	expect(2, "pseudowire show a b", NULL, "one name");
	expect(2, "pseudowire", NULL, "pseudowire add");
}

static bool signalled; /* what is asked for */

static void asks_for(const char *arguments, const char *entry)
{
	char wanted[1024];

	renewed = true;
	expect(0, arguments, "{\"ok\":true,\"result\":{\"adding\":\"vm3\",\"text\":\"note\"}}\n",
	       "note\npseudowire vm3 is there");
	renewed = false;
	snprintf(wanted, sizeof(wanted),
		 "{\"command\":\"pseudowire add\",\"options\":{\"entry\":{\"name\":\"vm3\","
		 "\"signalled\":%s,%s}}}\n",
		 signalled ? "true" : "false", entry);
	if (strcmp(request, wanted) != 0)
		fail_msg("%s\nasked for %s\nnot %s", arguments, request, wanted);
}

/* V3-LIN-4: cookie is what we send, peer_cookie what we expect. */
static void words_are_those_of_ip_l2tp(void **state)
{
	char line[512], file[64];
	FILE *f;

	(void)state;
	asks_for(
		"pseudowire add name vm3 peer 2001:db8::7 encap ip session_id 3 peer_session_id "
		"0x7 "
		"cookie 0123456789abcdef peer_cookie fedcba9876543210 l2spec_type none seq recv "
		"create l2tpeth3 netns vm3 kind tap address 192.0.2.5/30,2001:db8:5::1/64 mtu 1400",
		"\"peer\":\"2001:db8::7\",\"encapsulation\":\"ip\",\"session\":{\"local\":\"3\","
		"\"remote\":\"0x7\"},\"cookie\":{\"remote\":\"0123456789abcdef\",\"local\":"
		"\"fedcba9876543210\"},\"sublayer\":\"none\",\"sequencing\":\"receive\",\"attach\":"
		"{"
		"\"create\":\"l2tpeth3\",\"netns\":\"vm3\",\"kind\":\"tap\",\"address\":["
		"\"192.0.2.5/30\",\"2001:db8:5::1/64\"],\"mtu\":1400}");
	asks_for("pseudowire add vm3 remote 198.51.100.7 local 192.0.2.1 sid 3 psid 7 udp_sport "
		 "1701 "
		 "udp_dport 5000 udp_csum on too_large icmp mss_clamp off outer_mtu 1400 dscp 46 "
		 "bum_limit 9 dev eth2 vlan 100,7 tag keep outer_tag dot1q seq both",
		 "\"peer\":\"198.51.100.7\",\"local\":\"192.0.2.1\",\"session\":{\"local\":\"3\","
		 "\"remote\":\"7\"},\"ports\":{\"local\":1701,\"remote\":5000},\"checksum\":true,"
		 "\"too-large\":\"icmp\",\"mss-clamp\":false,\"mtu\":1400,\"dscp\":46,\"bum-"
		 "limit\":9,"
		 "\"attach\":{\"device\":\"eth2\",\"vlan\":[\"100\",\"7\"],\"tag\":\"keep\","
		 "\"outer-tag\":\"dot1q\"},\"sequencing\":\"both\"");
	snprintf(file, sizeof(file), "%s/cookie", dir);
	f = fopen(file, "w");
	assert_non_null(f);
	fputs("01234567 \nnot this\n", f);
	fclose(f);
	snprintf(line, sizeof(line), "pseudowire add vm3 cookie @%s peer_cookie - </dev/null",
		 file);
	expect(2, line, NULL, "standard input: no line with a cookie");
	snprintf(line, sizeof(line), "pseudowire add vm3 cookie @%s peer_cookie - <%s", file, file);
	asks_for(line, "\"cookie\":{\"remote\":\"01234567\",\"local\":\"01234567\"}");
	unlink(file);
	snprintf(line, sizeof(line), "pseudowire add vm3 cookie @%s", file);
	expect(2, line, NULL, "cannot be read");
}

static void words_of_signalled_ones(void **state)
{
	char line[512], file[64];
	FILE *f;

	(void)state;
	snprintf(file, sizeof(file), "%s/secret", dir);
	f = fopen(file, "w");
	assert_non_null(f);
	fputs("two words\r\nmore\n", f);
	fclose(f);
	signalled = true;
	snprintf(line, sizeof(line),
		 "pseudowire add vm3 signalled peer 198.51.100.7 secret-file %s "
		 "remote_end_id 107 previous_secret_file - hello 5 dial off type vlan "
		 "cookie-octets 4 dev eth2 <%s",
		 file, file);
	asks_for(line, "\"peer\":\"198.51.100.7\",\"secret\":\"two words\",\"remote-end-id\":107,"
		       "\"previous-secret\":\"two words\",\"hello\":5,\"dial\":false,\"type\":"
		       "\"vlan\",\"cookie-octets\":4,\"attach\":{\"device\":\"eth2\"}");
	asks_for("pseudowire add vm3 peer any remote-end-id r7 signalled",
		 "\"peer\":\"any\",\"remote-end-id\":\"r7\"");
	signalled = false;
	asks_for("pseudowire add vm3 peer 198.51.100.7 keepalive on",
		 "\"peer\":\"198.51.100.7\",\"keepalive\":true");
	unlink(file);
	snprintf(line, sizeof(line), "pseudowire add vm3 signalled secret_file %s", file);
	expect(2, line, NULL, "cannot be read");
	expect(2, "pseudowire add vm3 signalled secret_file - </dev/null", NULL,
	       "no line with a secret");
	expect(2, "pseudowire add vm3 signalled remote_end_id 007", NULL, "1 to 4294967295");
	expect(2, "pseudowire add vm3 signalled secret s3cret", NULL, "no word secret");
}

static void wrong_words_are_told(void **state)
{
	(void)state;
	expect(2, "pseudowire add", NULL, "a name, then words");
	expect(2, "pseudowire add vm3", NULL, "a name, then words");
	expect(2, "pseudowire add vm3 tunnel_id 4", NULL, "no word tunnel_id");
	expect(2, "pseudowire add vm3 peer", NULL, "peer needs a value");
	expect(2, "pseudowire add vm3 peer 192.0.2.1 remote 192.0.2.2", NULL,
	       "peer is there twice");
	expect(2, "pseudowire add vm3 dscp high", NULL, "dscp takes a number");
	expect(2, "pseudowire add vm3 udp_csum true", NULL, "on or off");
	expect(1, "pseudowire add vm3 peer 192.0.2.9",
	       "{\"ok\":false,\"error\":\"pseudowires.yaml:4: it lacks "
	       "this\",\"code\":\"failed\"}\n",
	       "l2xdpctl: pseudowires.yaml:4: it lacks this\n");
	expect(2, "pseudowire del", NULL, "one name");
	renewed = true;
	expect(0, "pseudowire del vm3",
	       "{\"ok\":true,\"result\":{\"deleting\":\"vm3\",\"text\":null}}\n",
	       "pseudowire vm3 is gone\n");
	renewed = false;
	assert_string_equal(request, "{\"command\":\"pseudowire del\",\"arguments\":[\"vm3\"]}\n");
}

/* ---- import ---- */

/* As iproute2 6.1 prints it on Debian's kernel; session 3 has no peer_cookie, 41 no cookie at all:
 * what is shown there is the session's before it. */
static const char tunnels_text[] = "Tunnel 3000, encap UDP\n"
				   "  From 192.0.2.1 to 192.0.2.9\n"
				   "  Peer tunnel 4000\n"
				   "  UDP source / dest ports: 5000/6000\n"
				   "  UDP checksum: disabled\n"
				   "Tunnel 3001, encap UDP\n"
				   "  From 192.0.2.1 to 192.0.2.10\n"
				   "  Peer tunnel 4001\n"
				   "  UDP source / dest ports: 1701/1701\n"
				   "  UDP checksum: enabled\n"
				   "Tunnel 3003, encap IP\n"
				   "  From 2001:db8::1 to 2001:db8::7\n"
				   "  Peer tunnel 4003\n"
				   "Tunnel 3005, encap UDP\n"
				   "  From 2001:db8::1 to 2001:db8::9\n"
				   "  Peer tunnel 4005\n"
				   "  UDP source / dest ports: 1701/6005\n"
				   "  UDP checksum: tx\n";
static const char sessions_text[] = "Session 1 in tunnel 3000\n"
				    "  Peer session 2, tunnel 4000\n"
				    "  interface name: l2tpeth0\n"
				    "  offset 0, peer offset 0\n"
				    "\n"
				    "Session 11 in tunnel 3001\n"
				    "  Peer session 12, tunnel 4001\n"
				    "  interface name: ether1\n"
				    "  offset 0, peer offset 0\n"
				    "  cookie 01234567  peer cookie fedcba9876543210\n"
				    "Session 3 in tunnel 3003\n"
				    "  Peer session 7, tunnel 4003\n"
				    "  interface name: l2tpeth2\n"
				    "  offset 0, peer offset 0\n"
				    "  cookie 0123456789abcdef  peer cookie fedcba9876543210"
				    "  reorder timeout: 100\n"
				    "  sequence numbering: send recv\n"
				    "Session 51 in tunnel 3005\n"
				    "  Peer session 52, tunnel 4005\n"
				    "  interface name: l2tpeth3\n"
				    "  offset 0, peer offset 0\n"
				    "  peer cookie 00000001\n"
				    "  sequence numbering: recv\n";
static const char json_text[] =
	"[{\"tunnel_id\":3000,\"encap\":\"UDP\",\"local\":\"192.0.2.1\",\"peer\":\"192.0.2.9\","
	"\"peer_tunnel\":4000,\"local_port\":5000,\"peer_port\":6000,\"checksum\":false},"
	"{\"tunnel_id\":3001,\"encap\":\"UDP\",\"local\":\"192.0.2.1\",\"peer\":\"192.0.2.10\","
	"\"peer_tunnel\":4001,\"local_port\":1701,\"peer_port\":1701,\"checksum\":true},"
	"{\"tunnel_id\":3003,\"encap\":\"IP\",\"local\":\"2001:db8::1\",\"peer\":\"2001:db8::7\","
	"\"peer_tunnel\":4003},{\"tunnel_id\":3005,\"encap\":\"UDP\",\"local\":\"2001:db8::1\","
	"\"peer\":\"2001:db8::9\",\"peer_tunnel\":4005,\"local_port\":1701,\"peer_port\":6005,"
	"\"checksum_tx\":true,\"checksum_rx\":false}]\n"
	"[{\"session_id\":1,\"tunnel_id\":3000,\"peer_session_id\":2,\"peer_tunnel_id\":4000,"
	"\"interface\":\"l2tpeth0\"},{\"session_id\":11,\"tunnel_id\":3001,\"peer_session_id\":12,"
	"\"peer_tunnel_id\":4001,\"interface\":\"ether1\",\"cookie\":\"01234567\","
	"\"peer_cookie\":\"fedcba9876543210\"},{\"session_id\":3,\"tunnel_id\":3003,"
	"\"peer_session_id\":7,\"peer_tunnel_id\":4003,\"interface\":\"l2tpeth2\",\"cookie\":"
	"\"0123456789abcdef\",\"peer_cookie\":\"fedcba9876543210\",\"reorder_timeout\":100,"
	"\"send_seq\":null,\"recv_seq\":null},{\"session_id\":51,\"tunnel_id\":3005,"
	"\"peer_session_id\":52,\"peer_tunnel_id\":4005,\"interface\":\"l2tpeth3\",\"peer_cookie\":"
	"\"00000001\",\"recv_seq\":null}]\n";
static const char *const imported[] = {
	"listen: [192.0.2.1, \"2001:db8::1\"]\n",
	"pseudowires:\n"
	"  - name: \"l2tpeth0\"\n"
	"    peer: 192.0.2.9\n"
	"    local: 192.0.2.1\n"
	"    encapsulation: udp\n"
	"    ports: { remote: 6000 }\n"
	"    # CHECK: the peer sends to port 5000 here;",
	"    signalled: false\n"
	"    session: { local: 1, remote: 2 }\n"
	"    attach: { create: \"l2tpeth0\" }\n",
	/* cookie is sent, so the peer's; peer cookie is expected, so ours (V3-LIN-4) */
	"    local: 192.0.2.1\n"
	"    encapsulation: udp\n"
	"    checksum: true\n"
	"    signalled: false\n"
	"    session: { local: 11, remote: 12 }\n"
	"    cookie: { local: \"fedcba9876543210\", remote: \"01234567\" }\n",
	"    # CHECK: the cookie that is expected is also that of session 11,",
	"    sequencing: both\n"
	"    # reorder timeout 100 ms:",
	"    peer: \"2001:db8::9\"\n",
	"udp6_csum_rx off",
	"    session: { local: 51, remote: 52 }\n"
	"    cookie: { local: \"00000001\" }\n"
	"    sequencing: receive\n"
	"    attach: { create: \"l2tpeth3\" }\n",
};

static void put_file(const char *name, const char *text, char file[static 64])
{
	FILE *f;

	snprintf(file, 64, "%s/%s", dir, name);
	f = fopen(file, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void kernel_pseudowires_become_configuration(void **state)
{
	char a[64], b[64], line[256], first[sizeof(output)];
	size_t i;

	(void)state;
	put_file("tunnels", tunnels_text, a);
	put_file("sessions", sessions_text, b);
	snprintf(line, sizeof(line), "import ip-l2tp %s %s", a, b);
	expect(0, line, NULL, "# Made by");
	for (i = 0; i < sizeof(imported) / sizeof(imported[0]); i++)
		if (!strstr(output, imported[i]))
			fail_msg("\"%s\" has no \"%s\"", output, imported[i]);
	assert_null(strstr(output, "cookie that is sent is also"));
	strcpy(first, output);
	/* sessions before tunnels, from standard input */
	snprintf(line, sizeof(line), "import ip-l2tp %s - <%s", b, a);
	expect(0, line, NULL, "# Made by");
	assert_string_equal(output, first);
	put_file("json", json_text, a);
	snprintf(line, sizeof(line), "import ip-l2tp <%s", a);
	expect(0, line, NULL, "# Made by");
	assert_string_equal(output, first);
	snprintf(line, sizeof(line), "%s/tunnels", dir);
	unlink(line);
	unlink(a);
	unlink(b);
}

static void what_cannot_be_imported_is_told_with_its_line(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ "", "there is no session in it" },
		{ "Tunnel 1, encap UDP\n", "there is no session" },
		{ "default via 192.0.2.1 dev eth0\n", ":1: \"default via" },
		{ "Tunnel 1, encap ??\n", ":1: " },
		{ "Tunnel 1, encap IP\n  From 192.0.2.300 to 192.0.2.1\n", ":2: " },
		{ "Session 1 in tunnel 7\n  Peer session 2, tunnel 8\n",
		  "in tunnel 7, which was not" },
		{ "Tunnel 7, encap IP\nSession 1 in tunnel 7\n",
		  "the peer's session was not shown" },
		{ "Session 1 in tunnel 7\n  cookie 012345\n", ":2: \"cookie 012345\"" },
		{ "Session 1 in tunnel 7\n  cookie 01234567 peer\n", ":2: " },
		{ "Session 1 in tunnel 7\n  sequence numbering: all\n", ":2: " },
		{ "Session 1 in tunnel 7\n\x1b[2J\n", ":2: \"\\x1b[2J\"" },
		{ "[{\"session_id\":1,\"peer_session_id\":2,\"cookie\":\"x\"}]",
		  "element 1 is neither" },
		{ "[{}]", "element 1 is neither" },
		{ "[]\n[1,", ": not JSON" },
	};
	char file[64], line[128];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		put_file("bad", cases[i].text, file);
		snprintf(line, sizeof(line), "import ip-l2tp %s", file);
		expect(1, line, NULL, cases[i].says);
	}
	unlink(file);
	expect(1, line, NULL, "cannot be read");
	expect(2, "import", NULL, "import ip-l2tp");
}

static void datapath_says_whether_maps_are_pinned(void **state)
{
	(void)state;
	expect(0, "show datapath",
	       "{\"ok\":true,\"result\":{\"bpf_directory\":\"/sys/fs/bpf/l2xdp\"}}\n",
	       "in /sys/fs/bpf/l2xdp: sessions' packets go on");
	expect(0, "show datapath", "{\"ok\":true,\"result\":{\"bpf_directory\":null}}\n",
	       "packets stop while the daemon is away");
}

static void exit_codes_tell_who_is_wrong(void **state)
{
	(void)state;
	expect(1, "clear session 9",
	       "{\"ok\":false,\"error\":\"no session has ID 9\",\"code\":\"not-found\"}\n",
	       "no session has ID 9");
	expect(2, "show session x", "{\"ok\":false,\"error\":\"takes\",\"code\":\"usage\"}\n",
	       "takes");
	expect(2, "show sesions", NULL, "show has no sesions");
	expect(2, "show", NULL, "show tunnels");
	expect(2, "frobnicate", NULL, "no command frobnicate");
	expect(2, "", NULL, "usage: l2xdpctl");
	expect(2, "show session", NULL, "takes one ID");
	expect(2, "show tunnels x", NULL, "takes no arguments");
	expect(2, "show tunnels --peer x", NULL, "show tunnels has no --peer");
	expect(2, "--nonsense", NULL, "--help");
	expect(1, "show tunnels", "nonsense\n", "not that of l2xdpd");
	expect(1, "show tunnels", "{\"ok\":true,\"result\":[{]}\n", "no list");
}

static void missing_daemon_is_told_apart(void **state)
{
	(void)state;
	unlink(path);
	expect(3, "show tunnels", NULL, "systemctl start l2xdpd");
	assert_non_null(strstr(output, "--socket PATH"));
	close(listen_at());
	expect(3, "show tunnels", NULL, "l2xdpd has ended");
	expect(3, "preflight eth0", NULL, "l2xdpd --preflight eth0");
	expect(3, "show tunnels", "", "closed the connection");
	expect(3, "show tunnels", "{\"ok\":tr", "closed the connection");
}

static void every_command_has_help(void **state)
{
	static const char *const commands[] = {
		"show tunnels",   "show sessions",  "show session",  "show verdicts",
		"show datapath",  "show peers",     "show state",    "show workers",
		"clear tunnel",   "clear session",  "drain",         "undrain",
		"reload",         "shutdown",       "preflight",     "pseudowire show",
		"pseudowire add", "pseudowire del", "import ip-l2tp"
	};
	char line[64];
	size_t i;

	(void)state;
	expect(0, "--help", NULL, "examples:");
	expect(0, "--version", NULL, "l2xdpctl " L2XDP_VERSION);
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		run("--help", NULL);
		assert_non_null(strstr(output, commands[i]));
		snprintf(line, sizeof(line), "%s --help", commands[i]);
		expect(0, line, NULL, "  l2xdpctl ");
		assert_non_null(strstr(output, commands[i]));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sessions_become_a_table),
		cmocka_unit_test(long_list_is_shown_while_it_comes),
		cmocka_unit_test(long_list_takes_no_memory),
		cmocka_unit_test(one_session_is_shown_whole),
		cmocka_unit_test(json_is_handed_on_as_it_came),
		cmocka_unit_test(names_from_the_network_cannot_write_to_the_terminal),
		cmocka_unit_test(verdicts_stand_by_frequency),
		cmocka_unit_test(workers_stand_in_a_table),
		cmocka_unit_test(preflight_ends_with_one_if_fatal),
		cmocka_unit_test(drain_asks_for_whom),
		cmocka_unit_test(peers_become_a_table),
		cmocka_unit_test(state_tells_what_would_be_left),
		cmocka_unit_test(reload_tells_each_fault),
		cmocka_unit_test(shutdown_says_what_it_closes),
		cmocka_unit_test(control_connections_of_pseudowires_are_told),
		cmocka_unit_test(pseudowires_become_a_table),
		cmocka_unit_test(words_are_those_of_ip_l2tp),
		cmocka_unit_test(words_of_signalled_ones),
		cmocka_unit_test(wrong_words_are_told),
		cmocka_unit_test(kernel_pseudowires_become_configuration),
		cmocka_unit_test(what_cannot_be_imported_is_told_with_its_line),
		cmocka_unit_test(datapath_says_whether_maps_are_pinned),
		cmocka_unit_test(exit_codes_tell_who_is_wrong),
		cmocka_unit_test(missing_daemon_is_told_apart),
		cmocka_unit_test(every_command_has_help),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
