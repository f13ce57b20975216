/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which CPU a session's frames are dealt with on (docs/architecture.md, bpf/worker.h): places
 * for new sessions, and moves of others when the set of workers changes. Everything is done by
 * writing to maps that are mapped into us; only what CPUs have done is asked for.
 *
 * A move is begun by writing its two words (l2x_move), then L2X_MOVING. The programs end it for
 * each direction that has traffic, we for those that had none for a second. When both are
 * through, the octet gets the new place.
 */
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "loader/datapath/private.h"

#define LOOK_MS 50 /* between looks at moves */
#define WALK 8192u /* sessions of one step of the walk */
#define SILENT_MS 1000 /* no frame for so long: none is under way */
#define RETIRE_SECONDS 2 /* after the last session has left, its queue goes */
#define SAY_SECONDS 10

struct move {
	uint32_t index;
	uint64_t seen[2]; /* words of both directions */
	msec_t since[2]; /* they are so */
};

union word {
	struct l2x_move m;
	uint64_t word;
};

static const struct {
	const char *name, *text;
} advices[] = {
	[ADVICE_QUIET] = { "quiet", "there is too little traffic to tell" },
	[ADVICE_SPREAD] = { "spread", "the NIC's queues spread it: workers would only add cost" },
	[ADVICE_COPES] = { "copes",
			   "one CPU has nearly all of it, and time left: workers would only add "
			   "cost" },
	[ADVICE_NOWHERE] = { "nowhere", "one CPU has nearly all of it, but the others are busy "
					"with something else" },
	[ADVICE_HELPS] = { "helps", "one CPU has nearly all of it and no time left, while others "
				    "idle: workers help" },
};

/* ---- the octets ------------------------------------------------------------------------------ */

static uint8_t *place_at(const struct datapath *dp, uint32_t index)
{
	const struct map_array *a = dp->maps ? &dp->maps->places : NULL;

	return a && a->mem && index / L2X_PLACES < a->n ? a->mem + index : NULL;
}

static uint8_t place_get(const uint8_t *at)
{
	return __atomic_load_n(at, __ATOMIC_ACQUIRE);
}

static void place_put(uint8_t *at, unsigned int place)
{
	__atomic_store_n(at, (uint8_t)place, __ATOMIC_RELEASE);
}

static uint64_t *move_word(const struct datapath *dp, uint32_t index, unsigned int way)
{
	struct l2x_traffic *t = maps_traffic(dp, index);

	if (!t)
		return NULL;
	return way ? (uint64_t *)&t->tx_move : (uint64_t *)&t->rx_move;
}

/* Is there anything to look up? */
static void set_live(struct datapath *dp)
{
	const struct workers *w = &dp->workers;
	uint32_t any = w->serves || w->n_moves;

	for (unsigned int p = 1; p < PLACES; p++)
		any |= w->load[p].sessions != 0;
	__atomic_store_n(&dp->maps->live->workers, any ? 1 : 0, __ATOMIC_RELEASE);
}

/* ---- who serves ------------------------------------------------------------------------------ */

static void arm(struct datapath *dp)
{
	static const struct timeval look = { 0, LOOK_MS * 1000 };

	if (dp->workers.event && !evtimer_pending(dp->workers.event, NULL))
		event_add(dp->workers.event, &look);
}

static void walk(struct datapath *dp)
{
	struct workers *w = &dp->workers;

	w->cursor = 0;
	w->walking = true;
	arm(dp);
}

/* With `auto` the CPU that has the frames has enough to do with handing them out. */
static void choose(struct datapath *dp)
{
	struct workers *w = &dp->workers;
	bool automatic = dp->cfg->workers.mode == DP_WORKERS_AUTO;

	w->serves = false;
	for (unsigned int cpu = 0; cpu < w->n_cpus; cpu++) {
		bool serves = w->is_candidate[cpu];

		if (automatic)
			serves = serves && w->automatic.on && cpu != w->hot;
		w->load[cpu + 1].serves = serves;
		w->serves |= serves;
	}
}

/* ---- moves ------------------------------------------------------------------------------------ */

static bool move_room(struct workers *w)
{
	size_t cap = w->cap_moves ? 2 * w->cap_moves : 64;
	struct move *bigger;

	if (w->n_moves < w->cap_moves)
		return true;
	bigger = realloc(w->moves, cap * sizeof(*bigger));
	if (!bigger)
		return false;
	w->moves = bigger;
	w->cap_moves = cap;
	return true;
}

static void move_follow(struct workers *w, uint32_t index, const uint64_t words[2])
{
	struct move *m = &w->moves[w->n_moves++];
	msec_t now = dp_now();

	m->index = index;
	for (int way = 0; way < 2; way++) {
		m->seen[way] = words[way];
		m->since[way] = now;
	}
}

static void move_begin(struct datapath *dp, uint32_t index, uint8_t *at, unsigned int to)
{
	struct l2x_traffic *t = maps_traffic(dp, index);
	struct workers *w = &dp->workers;
	unsigned int from = place_get(at);
	const union word v = { .m = { .from = (uint8_t)from, .to = (uint8_t)to } };
	const uint64_t words[2] = { v.word, v.word };

	if (!t || !move_room(w)) /* the next walk tries again */
		return;
	__atomic_store_n(&t->rx_done, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&t->tx_done, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&t->rx_move, v.word, __ATOMIC_RELAXED);
	__atomic_store_n(&t->tx_move, v.word, __ATOMIC_RELAXED);
	place_put(at, L2X_MOVING);
	w->load[from].sessions--;
	w->load[to].sessions++;
	move_follow(w, index, words);
	arm(dp);
}

/* True: nothing of this direction is at the old place. */
static bool way_is_gone(struct datapath *dp, struct move *m, unsigned int way)
{
	uint64_t *at = move_word(dp, m->index, way);
	union word v = { .word = __atomic_load_n(at, __ATOMIC_ACQUIRE) }, gone = v;

	if (v.m.gone)
		return true;
	if (v.word != m->seen[way]) {
		m->seen[way] = v.word;
		m->since[way] = dp_now();
		return false;
	}
	if (dp_now() - m->since[way] < SILENT_MS)
		return false;
	gone.m.gone = 1;
	return __atomic_compare_exchange_n(at, &v.word, gone.word, false, __ATOMIC_ACQ_REL,
					   __ATOMIC_RELAXED);
}

/* True: it is over. */
static bool move_look(struct datapath *dp, struct move *m)
{
	uint8_t *at = place_at(dp, m->index);
	struct workers *w = &dp->workers;
	union word v;
	bool rx, tx;

	if (!session_by_index(dp, m->index) || place_get(at) != L2X_MOVING)
		return true;
	rx = way_is_gone(dp, m, 0);
	tx = way_is_gone(dp, m, 1);
	if (!rx || !tx)
		return false;
	v.word = *move_word(dp, m->index, 0);
	place_put(at, v.m.to);
	if (w->load[v.m.to].serves ? !v.m.to : w->serves || v.m.to) /* the set has changed since */
		walk(dp);
	return true;
}

static void moves_look(struct datapath *dp)
{
	struct workers *w = &dp->workers;

	for (size_t i = 0; i < w->n_moves;) {
		if (move_look(dp, &w->moves[i]))
			w->moves[i] = w->moves[--w->n_moves];
		else
			i++;
	}
}

/* ---- the walk --------------------------------------------------------------------------------- */

static void walk_one(struct datapath *dp, uint32_t index)
{
	struct workers *w = &dp->workers;
	uint8_t *at = place_at(dp, index);
	unsigned int place = place_get(at), to = place;

	if (place == L2X_MOVING)
		return;
	if (!place || !w->load[place].serves)
		to = placement_least(w->load, PLACES);
	else if (w->even)
		to = placement_even(w->load, PLACES, place);
	if (to != place && (to || !place || !w->load[place].serves))
		move_begin(dp, index, at, to);
}

static void walk_on(struct datapath *dp)
{
	struct workers *w = &dp->workers;
	uint32_t end = DP_INDEXES(dp->cfg);

	for (uint32_t n = 0; w->cursor < end && n < WALK; w->cursor++) {
		if (!dp->sessions[w->cursor])
			continue;
		walk_one(dp, w->cursor);
		n++;
	}
	if (w->cursor >= end)
		w->walking = w->even = false;
}

static void on_look(evutil_socket_t fd, short what, void *arg)
{
	struct datapath *dp = arg;
	struct workers *w = &dp->workers;

	(void)fd;
	(void)what;
	moves_look(dp);
	if (w->walking)
		walk_on(dp);
	set_live(dp);
	if (w->n_moves || w->walking)
		arm(dp);
}

static void new_set(struct datapath *dp)
{
	choose(dp);
	dp->workers.even = true;
	set_live(dp);
	walk(dp);
}

/* An earlier daemon, or worker process, has begun it. Returns where it goes. */
static unsigned int resume(struct datapath *dp, uint32_t index, uint8_t *at)
{
	const uint64_t words[2] = { *move_word(dp, index, 0), *move_word(dp, index, 1) };
	const union word v = { .word = words[0] };
	unsigned int to = v.m.to < PLACES ? v.m.to : 0;

	if (move_room(&dp->workers))
		move_follow(&dp->workers, index, words);
	else
		place_put(at, to);
	return to;
}

/* ---- sessions come and go ---------------------------------------------------------------------- */

void workers_place(struct datapath *dp, uint32_t index, bool fresh)
{
	struct workers *w = &dp->workers;
	uint8_t *at = place_at(dp, index);
	unsigned int place;

	if (!at)
		return;
	place = place_get(at);
	if (fresh) {
		place = w->serves ? placement_least(w->load, PLACES) : 0;
		place_put(at, place);
	} else if (place == L2X_MOVING) {
		place = resume(dp, index, at);
	}
	w->load[place].sessions++;
}

void workers_forget(struct datapath *dp, uint32_t index)
{
	uint8_t *at = place_at(dp, index);
	unsigned int place;

	if (!at)
		return;
	place = place_get(at);
	if (place == L2X_MOVING) {
		const union word v = { .word = *move_word(dp, index, 0) };

		place = v.m.to;
	}
	if (dp->workers.load[place].sessions)
		dp->workers.load[place].sessions--;
	place_put(at, 0);
}

void workers_sweep_places(struct datapath *dp)
{
	for (uint32_t i = 0; i < DP_INDEXES(dp->cfg); i++) {
		uint8_t *at = place_at(dp, i);

		if (at && *at && !dp->sessions[i])
			place_put(at, 0);
	}
	if (dp->maps)
		set_live(dp);
}

/* ---- each second ------------------------------------------------------------------------------- */

static uint64_t *handed(const struct datapath *dp, unsigned int cpu, unsigned int column)
{
	const struct map_array *a = &dp->maps->handed;
	size_t i = (size_t)cpu * L2X_HANDED_COLUMNS + column;

	return a->mem && i < a->n ? (uint64_t *)(a->mem + i * a->stride) : NULL;
}

static uint64_t handed_count(const struct datapath *dp, unsigned int cpu, unsigned int column)
{
	const uint64_t *at = handed(dp, cpu, column);

	return at ? __atomic_load_n(at, __ATOMIC_RELAXED) : 0;
}

/* What was given and not taken in two looks is lost, not waiting. */
static void count_place(struct datapath *dp, unsigned int place)
{
	struct workers *w = &dp->workers;
	uint64_t taken = handed_count(dp, place - 1, L2X_HANDED_TAKEN), given = 0, rate;

	for (unsigned int cpu = 0; cpu < w->n_cpus; cpu++)
		given += handed_count(dp, cpu, place);
	rate = w->seen && taken > w->taken[place] ? taken - w->taken[place] : 0;
	w->load[place].rate = (w->load[place].rate + rate) / 2;
	w->taken[place] = taken;
	given -= given < taken ? given : taken;
	w->lost[place] = given < w->waiting[place] ? given : w->waiting[place];
	w->waiting[place] = given;
}

static void count_use(struct datapath *dp, const struct dp_answer *a, struct cpu_use *use)
{
	struct workers *w = &dp->workers;

	for (unsigned int cpu = 0; cpu < w->n_cpus; cpu++) {
		uint64_t given = 0, taken = w->taken[cpu + 1] - w->taken_before[cpu + 1];
		uint32_t forwarded = a->cpu[cpu].forwarded - w->forwarded[cpu];
		uint32_t ticks = a->cpu[cpu].ticks - w->ticks[cpu];
		uint32_t busy = a->cpu[cpu].busy - w->busy[cpu];

		for (unsigned int place = 1; place < PLACES; place++)
			given += handed_count(dp, cpu, place);
		use[cpu].frames =
			(forwarded > taken ? forwarded - taken : 0) + given - w->given[cpu];
		use[cpu].busy = ticks ? (unsigned int)(1000ull * busy / ticks) : 1000;
		w->given[cpu] = given;
		w->taken_before[cpu + 1] = w->taken[cpu + 1];
		w->forwarded[cpu] = a->cpu[cpu].forwarded;
		w->ticks[cpu] = a->cpu[cpu].ticks;
		w->busy[cpu] = a->cpu[cpu].busy;
	}
}

static void say_helps(struct datapath *dp, unsigned int hot)
{
	struct workers *w = &dp->workers;

	w->advised = w->advice == ADVICE_HELPS ? w->advised + 1 : 0;
	if (w->advised == SAY_SECONDS && dp->cfg->workers.mode == DP_WORKERS_OFF)
		log_note(NULL,
			 "CPU %u has nearly all the frames and no time left, while others idle: "
			 "spread the sessions with `datapath: workers: auto` (l2xdpctl show "
			 "workers)",
			 hot);
}

static void decide(struct datapath *dp, unsigned int hot, uint64_t total)
{
	struct workers *w = &dp->workers;

	say_helps(dp, hot);
	if (dp->cfg->workers.mode != DP_WORKERS_AUTO ||
	    !placement_auto_second(&w->automatic, w->advice, total))
		return;
	if (w->automatic.on) {
		w->hot = hot;
		log_note(NULL, "CPU %u has nearly all the frames: sessions are spread over workers",
			 hot);
	} else {
		log_note(NULL, "there is less traffic: sessions leave their workers");
	}
	new_set(dp);
}

/* Queues of CPUs that are configured no more, once nothing has gone there for a while. */
static void retire(struct datapath *dp)
{
	const struct dp_request rq = { .act = DP_DO_RETIRE };
	struct workers *w = &dp->workers;
	struct dp_answer answer;
	bool used = w->n_moves || w->walking;

	for (unsigned int cpu = 0; cpu < w->n_cpus; cpu++)
		used |= !w->is_candidate[cpu] && w->load[cpu + 1].sessions;
	if (used)
		w->retire = RETIRE_SECONDS;
	else if (w->retire && --w->retire == 0)
		request(dp, &rq, &answer);
}

void workers_second(struct datapath *dp)
{
	const struct dp_request rq = { .act = DP_DO_CPUS };
	struct cpu_use use[L2X_MAX_WORKER_CPUS] = { 0 };
	struct workers *w = &dp->workers;
	struct dp_answer answer;
	unsigned int hot;
	uint64_t total;

	if (!dp->maps || !dp->ready)
		return;
	for (unsigned int place = 1; place <= w->n_cpus; place++)
		count_place(dp, place);
	retire(dp);
	if (request(dp, &rq, &answer) < 0)
		return;
	count_use(dp, &answer, use);
	if (w->seen) {
		w->advice = placement_advise(use, w->n_cpus, &hot, &total);
		decide(dp, hot, total);
	}
	w->seen = true;
}

/* ---- start and end ----------------------------------------------------------------------------- */

/* An earlier daemon had spread them: it goes on so, and the CPU that it left out with it. */
static void recall_automatic(struct datapath *dp)
{
	struct workers *w = &dp->workers;
	bool found = false;

	for (unsigned int cpu = 0; cpu < w->n_cpus; cpu++) {
		if (w->load[cpu + 1].sessions)
			w->automatic.on = true;
		else if (!found && w->is_candidate[cpu]) {
			w->hot = cpu;
			found = true;
		}
	}
}

int workers_start(struct datapath *dp)
{
	struct workers *w = &dp->workers;

	if (!dp->maps)
		return 0;
	w->event = evtimer_new(dp->base, on_look, dp);
	if (!w->event)
		return -ENOMEM;
	choose(dp);
	return 0;
}

void workers_ready(struct datapath *dp)
{
	struct workers *w = &dp->workers;

	if (!dp->maps)
		return;
	if (dp->cfg->workers.mode == DP_WORKERS_AUTO)
		recall_automatic(dp);
	w->retire = RETIRE_SECONDS;
	new_set(dp);
}

void workers_stop(struct datapath *dp)
{
	struct workers *w = &dp->workers;

	if (w->event)
		event_free(w->event);
	w->event = NULL;
	free(w->moves);
	w->moves = NULL;
	w->n_moves = w->cap_moves = 0;
}

/* ---- what is shown ------------------------------------------------------------------------------ */

void dp_workers(const struct datapath *dp, struct dp_workers_info *ret)
{
	static const char *const modes[] = { "off", "auto", "number", "list" };
	const struct workers *w = &dp->workers;

	memset(ret, 0, sizeof(*ret));
	ret->mode = modes[dp->cfg->workers.mode];
	ret->on = w->serves;
	ret->advice = advices[w->advice].name;
	ret->text = advices[w->advice].text;
	ret->here = w->load[0].sessions;
	ret->moving = (uint32_t)w->n_moves;
	for (unsigned int cpu = 0; dp->maps && cpu < w->n_cpus; cpu++) {
		const struct place_load *l = &w->load[cpu + 1];

		if (!l->serves && !l->sessions)
			continue;
		ret->worker[ret->n++] = (struct dp_worker_info){
			.cpu = cpu,
			.serves = l->serves,
			.sessions = l->sessions,
			.frames = handed_count(dp, cpu, L2X_HANDED_TAKEN),
			.rate = l->rate,
			.lost = w->lost[cpu + 1],
		};
	}
}

int dp_session_worker(const struct datapath *dp, uint32_t index)
{
	const uint8_t *at = place_at(dp, index);
	unsigned int place = at ? place_get(at) : 0;

	return place == L2X_MOVING ? -2 : (int)place - 1;
}
