/* SPDX-License-Identifier: GPL-2.0-or-later */
/* show workers: CPUs that sessions are spread over. */
#include <stdlib.h>

#include "loader/control/show.h"
#include "loader/lns.h"

static json_t *json_workers(const struct dp_workers_info *info)
{
	json_t *out = json_array();

	for (unsigned int i = 0; i < info->n; i++) {
		const struct dp_worker_info *w = &info->worker[i];

		json_array_append_new(
			out, json_pack("{s:i, s:s, s:I, s:I, s:I, s:I}", "cpu", (int)w->cpu,
				       "state", w->serves ? "serves" : "leaves", "sessions",
				       (json_int_t)w->sessions, "frames", (json_int_t)w->frames,
				       "rate", (json_int_t)w->rate, "lost", (json_int_t)w->lost));
	}
	return out;
}

int show_workers(const struct request *rq, struct answer *a)
{
	struct dp_workers_info *info;
	json_t *out;
	int err = no_parameters(rq, a);

	if (err)
		return err;
	info = calloc(1, sizeof(*info));
	if (!info)
		return answer_whole(a, NULL);
	dp_workers(lns_datapath(rq->lns), info);
	out = json_pack("{s:s, s:b, s:s, s:s, s:I, s:I, s:o}", "mode", info->mode, "on", info->on,
			"advice", info->advice, "text", info->text, "sessions_here",
			(json_int_t)info->here, "moving", (json_int_t)info->moving, "workers",
			json_workers(info));
	free(info);
	return answer_whole(a, out);
}
