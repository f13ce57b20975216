/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What hostile and clumsy clients of the control socket cannot do (quirks.md, class
 * Management), and the socket's file. */
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <sys/stat.h>

#include "tests/unit/control_world.h"

/* ---- what clients may not do ---- */

static void wrong_requests_are_told(void **state)
{
	expect_error(*state, "{\"command\":\"show sessionz\"}", "usage", "no command show");
	expect_error(*state, "{}", "usage", "no command");
	expect_error(*state, "{\"command\":7}", "usage", "no command");
	expect_error(*state, "{\"command\":\"show tunnels\",\"arguments\":{}}", "usage", "list");
	expect_error(*state, "{\"command\":\"show tunnels\",\"options\":[]}", "usage", "object");
	expect_error(*state, "{\"command\":\"show tunnels\",\"arguments\":[1]}", "usage",
		     "takes no arguments");
	expect_error(*state, "{\"command\":\"show tunnels\",\"options\":{\"x\":1}}", "usage",
		     "no option");
	expect_error(*state, "{\"command\":\"show sessions\",\"options\":{\"peer\":1}}", "usage",
		     "peer is a text");
	expect_error(*state, "{\"command\":\"show sessions\",\"options\":{\"limit\":-1}}", "usage",
		     "whole number");
	expect_error(*state, "{\"command\":\"show session\",\"arguments\":[\"1x\"]}", "usage",
		     "takes the ID");
	expect_error(*state, "{\"command\":\"show session\",\"arguments\":[1.5]}", "usage",
		     "takes the ID");
	expect_error(*state, "{\"command\":\"show session\",\"arguments\":[99]}", "not-found",
		     "no session has ID 99");
	expect_error(*state, "[]", "usage", "one JSON object");
	expect_error(*state, "hello", "usage", "one JSON object");
	expect_error(*state, "", "usage", "one JSON object");
}

static void connection_lives_on_after_a_wrong_command(void **state)
{
	struct fixture *f = *state;
	int fd = dial(f);
	json_t *v;

	say(fd, "{\"command\":\"nonsense\"}\n{\"command\":\"show tunnels\"}\n");
	v = answer(f, fd);
	assert_true(json_is_false(json_object_get(v, "ok")));
	json_decref(v);
	v = answer(f, fd);
	assert_true(json_is_true(json_object_get(v, "ok")));
	json_decref(v);
	close(fd);
}

static void connection_ends_after_what_is_not_json(void **state)
{
	struct fixture *f = *state;
	int fd = dial(f);
	bool end;

	say(fd, "{\"command\":\n{\"command\":\"show tunnels\"}\n");
	json_decref(answer(f, fd));
	free(read_line(f, fd, &end));
	assert_true(end);
	close(fd);
}

static void half_lines_wait_for_their_rest(void **state)
{
	struct fixture *f = *state;
	int fd = dial(f);
	const char *p;

	for (p = "{\"command\":\"show tunnels\"}\n"; *p; p++) {
		assert_int_equal(send(fd, p, 1, MSG_NOSIGNAL), 1);
		turn(f, 2);
	}
	json_decref(answer(f, fd));
	close(fd);
}

static void client_that_closes_its_half_gets_its_answers(void **state)
{
	struct fixture *f = *state;
	int fd = dial(f), i;
	bool end;

	n_sessions = 2000; /* more than one output buffer */
	for (i = 0; i < 3; i++)
		say(fd, "{\"command\":\"show sessions\"}\n");
	shutdown(fd, SHUT_WR);
	for (i = 0; i < 3; i++) {
		json_t *v = answer(f, fd);

		assert_int_equal(json_array_size(json_object_get(v, "result")), 2000);
		json_decref(v);
	}
	free(read_line(f, fd, &end));
	assert_true(end);
	close(fd);
}

static void megabyte_line_is_refused(void **state)
{
	struct fixture *f = *state;
	int fd = dial(f), i;
	char block[4096];
	json_t *v;
	bool end;

	memset(block, 'x', sizeof(block));
	for (i = 0; i < 256; i++) {
		if (send(fd, block, sizeof(block), MSG_NOSIGNAL) < 0)
			break;
		turn(f, 1);
	}
	v = answer(f, fd);
	assert_non_null(strstr(text(v, "error"), "more than 64 KiB"));
	json_decref(v);
	free(read_line(f, fd, &end));
	assert_true(end);
	close(fd);
}

static void deep_nesting_is_refused(void **state)
{
	char line[20002];

	memset(line, '[', sizeof(line) - 2);
	line[sizeof(line) - 2] = '\0';
	expect_error(*state, line, "usage", "one JSON object");
}

static void connections_are_limited(void **state)
{
	struct fixture *f = *state;
	int fds[34], i;
	json_t *v;

	for (i = 0; i < 34; i++) {
		fds[i] = dial(f);
		turn(f, 2);
	}
	v = answer(f, fds[33]);
	assert_non_null(strstr(text(v, "error"), "too many connections"));
	json_decref(v);
	for (i = 0; i < 34; i++)
		close(fds[i]);
	turn(f, 10);
	json_decref(ask_ok(f, "{\"command\":\"show tunnels\"}"));
}

static void idle_connections_do_not_lock_the_operator_out(void **state)
{
	struct fixture *f = *state;
	int fds[32], i;
	bool end;

	for (i = 0; i < 32; i++) {
		fds[i] = dial(f);
		turn(f, 2);
	}
	usleep(1050000);
	/* all but the second say something: it is the one that goes */
	for (i = 0; i < 32; i++) {
		if (i == 1)
			continue;
		say(fds[i], "{\"command\":\"show tunnels\"}\n");
		json_decref(answer(f, fds[i]));
	}
	json_decref(ask_ok(f, "{\"command\":\"show tunnels\"}"));
	free(read_line(f, fds[1], &end));
	assert_true(end);
	for (i = 0; i < 32; i += i ? 1 : 2) {
		say(fds[i], "{\"command\":\"show tunnels\"}\n");
		json_decref(answer(f, fds[i]));
	}
	for (i = 0; i < 32; i++)
		close(fds[i]);
}

static void answer_is_sent_before_the_socket_closes(void **state)
{
	struct fixture *f = *state;
	int fd = dial(f);
	json_t *v;

	/* the daemon ends in the very event in which it was asked to */
	break_at_clear = f->base;
	cleared_tunnel = 0;
	say(fd, "{\"command\":\"clear tunnel\",\"arguments\":[1]}\n");
	while (!cleared_tunnel)
		event_base_loop(f->base, EVLOOP_ONCE);
	control_close(f->control);
	f->control = NULL;
	v = answer(f, fd);
	assert_true(json_is_true(json_object_get(v, "ok")));
	json_decref(v);
	close(fd);
}

static void one_may_listen_and_another_serve(void **state)
{
	struct fixture *f = *state;
	struct control_file file;
	struct control *c = NULL;
	struct stat st;
	char first[64], err[256];
	json_t *v;
	int fd;

	snprintf(first, sizeof(first), "%s", f->path);
	snprintf(f->path, sizeof(f->path), "%s/other", f->dir);
	assert_int_equal(control_listen(f->path, &file, err, sizeof(err)), 0);
	fd = dial(f); /* nobody serves yet: it waits */
	say(fd, "{\"command\":\"show tunnels\"}\n");
	turn(f, 5);
	assert_int_equal(recv(fd, err, 1, MSG_PEEK), -1);
	assert_int_equal(control_serve(file.fd, f->base, (struct lns *)f, &c), 0);
	v = answer(f, fd);
	assert_true(json_is_true(json_object_get(v, "ok")));
	json_decref(v);
	close(fd);
	control_close(c);
	assert_int_equal(lstat(f->path, &st), 0); /* stays for the next one */
	assert_int_equal(control_serve(file.fd, f->base, (struct lns *)f, &c), 0);
	json_decref(ask_ok(f, "{\"command\":\"show tunnels\"}"));
	control_close(c);
	control_unlisten(&file);
	assert_int_equal(lstat(f->path, &st), -1);
	strcpy(f->path, first);
}

static void slow_reader_costs_little(void **state)
{
	struct fixture *f = *state;
	size_t before, after;
	int fd = dial(f), i;

	n_sessions = 65536;
	turn(f, 2);
	malloc_trim(0);
	before = mallinfo2().uordblks + mallinfo2().hblkhd;
	/* asks a hundred times and reads nothing */
	for (i = 0; i < 100; i++)
		say(fd, "{\"command\":\"show sessions\"}\n");
	turn(f, 1000);
	after = mallinfo2().uordblks + mallinfo2().hblkhd;
	assert_true(after - before < 1u << 20);
	/* others are served meanwhile */
	json_decref(ask_ok(f, "{\"command\":\"show tunnels\"}"));
	close(fd);
	turn(f, 10);
}

static void all_sessions_of_a_shard_stream_out(void **state)
{
	struct fixture *f = *state;
	int fd = dial(f);
	char *line, *p;
	size_t n = 0;
	bool end;

	n_sessions = 65535;
	say(fd, "{\"command\":\"show sessions\"}\n");
	line = read_line(f, fd, &end);
	assert_int_equal(strncmp(line, "{\"ok\":true,\"result\":[{\"id\":1,", 29), 0);
	for (p = line; *p; p++)
		n += p[0] == '{' && !strncmp(p, "{\"id\":", 6);
	assert_int_equal(n, 65535);
	assert_string_equal(line + strlen(line) - 4, "}]}\n");
	free(line);
	close(fd);
}

static void session_that_goes_meanwhile_is_left_out(void **state)
{
	struct fixture *f = *state;
	int fd = dial(f);
	json_t *v;

	n_sessions = 65535;
	say(fd, "{\"command\":\"show sessions\"}\n");
	turn(f, 3);
	n_sessions = 1000;
	v = answer(f, fd);
	assert_true(json_array_size(json_object_get(v, "result")) >= 1000);
	assert_true(json_array_size(json_object_get(v, "result")) < 5000);
	json_decref(v);
	close(fd);
}

/* ---- what long answers take of the event loop ---- */

#define LOOK_US 300
#define LOOKS_A_TURN 4 /* of 1 ms */

/* A look sleeps longer on a busy machine, then there are fewer of them. */
static void turn_is_short(struct fixture *f)
{
	unsigned int before = walked;

	turn(f, 1);
	assert_true(walked - before <= LOOKS_A_TURN);
}

static void filter_that_finds_nobody_gives_way(void **state)
{
	struct fixture *f = *state;
	int fd = dial(f), other = dial(f), i;
	json_t *v;

	n_sessions = 100000;
	say(fd, "{\"command\":\"show sessions\",\"options\":{\"peer\":\"nobody\"}}\n");
	turn(f, 5);
	walk_us = LOOK_US;
	for (i = 0; i < 50; i++)
		turn_is_short(f);
	assert_true(walked > 50); /* and goes on */
	/* another one is answered meanwhile */
	say(other, "{\"command\":\"show tunnels\"}\n");
	v = answer(f, other);
	assert_int_equal(json_array_size(json_object_get(v, "result")), 2);
	json_decref(v);
	assert_true(walked < n_sessions);
	walk_us = 0;
	v = answer(f, fd);
	assert_int_equal(json_array_size(json_object_get(v, "result")), 0);
	json_decref(v);
	close(fd);
	close(other);
}

static void many_clients_share_the_time_of_one(void **state)
{
	struct fixture *f = *state;
	unsigned int before;
	int fds[10], i;

	n_sessions = 100000;
	for (i = 0; i < 10; i++) {
		fds[i] = dial(f);
		say(fds[i], "{\"command\":\"show sessions\",\"options\":{\"user\":\"nobody\"}}\n");
	}
	turn(f, 15);
	walk_us = LOOK_US;
	before = walked;
	for (i = 0; i < 50; i++)
		turn_is_short(f);
	assert_true(walked > before);
	for (i = 0; i < 10; i++)
		close(fds[i]);
	walk_us = 0;
	turn(f, 20);
	json_decref(ask_ok(f, "{\"command\":\"show tunnels\"}"));
}

/* ---- the file ---- */

static void socket_file_is_for_the_owner_alone(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	assert_int_equal(lstat(f->path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void live_socket_is_not_taken_over(void **state)
{
	struct fixture *f = *state;
	struct control *other = NULL;
	char err[256];

	assert_int_equal(control_open(f->path, f->base, NULL, &other, err, sizeof(err)),
			 -EADDRINUSE);
	assert_non_null(strstr(err, "another daemon answers"));
	json_decref(ask_ok(f, "{\"command\":\"show tunnels\"}"));
}

static void dead_socket_is_replaced_and_a_file_is_not(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	struct control *c = NULL;
	char err[256];
	int fd;

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/dead", f->dir);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	close(fd);
	assert_int_equal(control_open(sa.sun_path, f->base, NULL, &c, err, sizeof(err)), 0);
	control_close(c);
	assert_int_equal(access(sa.sun_path, F_OK), -1);

	fd = open(sa.sun_path, O_CREAT | O_WRONLY, 0600);
	close(fd);
	assert_int_equal(control_open(sa.sun_path, f->base, NULL, &c, err, sizeof(err)), -EEXIST);
	assert_int_equal(unlink(sa.sun_path), 0);
	assert_int_equal(control_open("/nonexistent/dir/s", f->base, NULL, &c, err, sizeof(err)),
			 -ENOENT);
	assert_non_null(strstr(err, "/nonexistent/dir/s"));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(wrong_requests_are_told),
		T(connection_lives_on_after_a_wrong_command),
		T(connection_ends_after_what_is_not_json),
		T(half_lines_wait_for_their_rest),
		T(client_that_closes_its_half_gets_its_answers),
		T(megabyte_line_is_refused),
		T(deep_nesting_is_refused),
		T(connections_are_limited),
		T(idle_connections_do_not_lock_the_operator_out),
		T(answer_is_sent_before_the_socket_closes),
		T(one_may_listen_and_another_serve),
		T(slow_reader_costs_little),
		T(all_sessions_of_a_shard_stream_out),
		T(session_that_goes_meanwhile_is_left_out),
		T(filter_that_finds_nobody_gives_way),
		T(many_clients_share_the_time_of_one),
		T(socket_file_is_for_the_owner_alone),
		T(live_socket_is_not_taken_over),
		T(dead_socket_is_replaced_and_a_file_is_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
