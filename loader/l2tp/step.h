/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Automata as data: tables of cells, for tunnels and calls of both versions. */
#ifndef L2XDP_L2TP_STEP_H
#define L2XDP_L2TP_STEP_H

#include <stddef.h>
#include <stdint.h>

struct l2tp_step {
	uint8_t state, event, action, next;
};

struct l2tp_steps {
	const struct l2tp_step *cell;
	size_t n;
};
#define L2TP_STEPS(array)                                                                          \
	{                                                                                          \
		array, sizeof(array) / sizeof((array)[0])                                          \
	}

/* The cell; what the table does not list is `unexpected` and stays where it is. */
static inline struct l2tp_step l2tp_step_of(struct l2tp_steps table, unsigned int state,
					    unsigned int event, uint8_t unexpected)
{
	for (size_t i = 0; i < table.n; i++)
		if (table.cell[i].state == state && table.cell[i].event == event)
			return table.cell[i];
	return (struct l2tp_step){ (uint8_t)state, (uint8_t)event, unexpected, (uint8_t)state };
}

#endif
