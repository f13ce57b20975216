/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs the program in this process and counts its instructions. They are those that libbpf
 * hands to the kernel; maps are the kernel's own, mapped where that can be and copied where
 * not, so that a packet takes the way that it takes there. The count depends on the compiler,
 * and on nothing else: not on the kernel, its verifier or the machine.
 *
 * Only helpers of the short way, of echoes and of pseudowires are known. No bound is checked: the
 * verifier has.
 */
#ifndef L2XDP_TESTS_BPF_STEPS_H
#define L2XDP_TESTS_BPF_STEPS_H

#include "tests/bpf/rig.h"

#define STEPS_MAPS 32
#define STEPS_COPIES 16
#define STEPS_HEADROOM 256u
#define STEPS_FRAME 4096u
#define STEPS_STACK 512u
#define STEPS_DEPTH 8

struct steps {
	struct rig *rig;
	struct {
		int fd;
		void *mem; /* NULL: not to be mapped */
		struct bpf_map_info info;
		size_t stride;
	} maps[STEPS_MAPS];
	unsigned int n_maps;
	struct {
		int fd;
		uint32_t key;
		void *value;
	} copies[STEPS_COPIES]; /* of elements that are not mapped */
	unsigned int n_copies;
	uint8_t *frame; /* below 4 GiB: the program holds its place in 32 bits */
	uint32_t now; /* jiffies */
	uint32_t random; /* what the kernel got when it was asked for a number */
	/* of the last run */
	unsigned int count, calls, lookups; /* instructions, helpers called, look-ups */
};

static inline void steps_map_add(struct steps *s, int fd)
{
	uint32_t len = sizeof(s->maps[0].info);
	struct bpf_map_info *info;
	void *mem;

	assert_true(s->n_maps < STEPS_MAPS);
	info = &s->maps[s->n_maps].info;
	assert_int_equal(bpf_obj_get_info_by_fd(fd, info, &len), 0);
	s->maps[s->n_maps].fd = fd;
	s->maps[s->n_maps].stride = (info->value_size + 7) & ~7u;
	if (info->map_flags & BPF_F_MMAPABLE) {
		size_t all = s->maps[s->n_maps].stride * info->max_entries;

		mem = mmap(NULL, all, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (mem == MAP_FAILED) /* frozen */
			mem = mmap(NULL, all, PROT_READ, MAP_SHARED, fd, 0);
		assert_ptr_not_equal(mem, MAP_FAILED);
		s->maps[s->n_maps].mem = mem;
	}
	s->n_maps++;
}

static inline unsigned int steps_map_of(struct steps *s, int fd)
{
	unsigned int i;

	for (i = 0; i < s->n_maps; i++)
		if (s->maps[i].fd == fd)
			return i;
	steps_map_add(s, fd);
	return s->n_maps - 1;
}

static inline void steps_open(struct steps *s, struct rig *r)
{
	memset(s, 0, sizeof(*s));
	s->rig = r;
	s->frame = mmap(NULL, STEPS_FRAME, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	assert_ptr_not_equal(s->frame, MAP_FAILED);
}

static inline void steps_forget(struct steps *s)
{
	while (s->n_copies)
		free(s->copies[--s->n_copies].value);
}

static inline void steps_close(struct steps *s)
{
	unsigned int i;

	steps_forget(s);
	for (i = 0; i < s->n_maps; i++)
		if (s->maps[i].mem)
			munmap(s->maps[i].mem, s->maps[i].stride * s->maps[i].info.max_entries);
	munmap(s->frame, STEPS_FRAME);
}

/* An element as the CPU of this process sees it. */
static inline void *steps_copy(struct steps *s, unsigned int map, uint32_t key)
{
	bool per_cpu = s->maps[map].info.type == BPF_MAP_TYPE_PERCPU_ARRAY;
	size_t stride = s->maps[map].stride;
	uint8_t *all = calloc(per_cpu ? s->rig->cpus : 1, stride);
	unsigned int i;

	assert_non_null(all);
	for (i = 0; i < s->n_copies; i++) {
		if (s->copies[i].fd == s->maps[map].fd && s->copies[i].key == key) {
			free(all);
			return s->copies[i].value;
		}
	}
	assert_true(s->n_copies < STEPS_COPIES);
	assert_int_equal(bpf_map_lookup_elem(s->maps[map].fd, &key, all), 0);
	if (per_cpu)
		memmove(all, all + (size_t)sched_getcpu() * stride, stride);
	s->copies[s->n_copies].fd = s->maps[map].fd;
	s->copies[s->n_copies].key = key;
	s->copies[s->n_copies].value = all;
	s->n_copies++;
	return all;
}

/* An element that is only read. */
static inline uint64_t steps_hash(struct steps *s, unsigned int map, const void *key)
{
	void *value = calloc(1, s->maps[map].stride);

	assert_non_null(value);
	if (bpf_map_lookup_elem(s->maps[map].fd, key, value)) {
		free(value);
		return 0;
	}
	assert_true(s->n_copies < STEPS_COPIES);
	s->copies[s->n_copies].fd = -1; /* that nobody finds again */
	s->copies[s->n_copies++].value = value;
	return (uint64_t)value;
}

static inline uint64_t steps_lookup(struct steps *s, uint64_t fd, uint64_t key_at)
{
	unsigned int map = steps_map_of(s, (int)fd);
	uint32_t key = *(const uint32_t *)key_at;

	s->lookups++;
	if (s->maps[map].info.type == BPF_MAP_TYPE_HASH)
		return steps_hash(s, map, (const void *)key_at);
	assert_true(s->maps[map].info.type == BPF_MAP_TYPE_ARRAY ||
		    s->maps[map].info.type == BPF_MAP_TYPE_PERCPU_ARRAY);
	if (key >= s->maps[map].info.max_entries)
		return 0;
	if (s->maps[map].mem)
		return (uint64_t)s->maps[map].mem + key * s->maps[map].stride;
	return (uint64_t)steps_copy(s, map, key);
}

static inline uint64_t steps_helper(struct steps *s, int32_t id, const uint64_t *r)
{
	struct xdp_md *ctx = (struct xdp_md *)r[1];

	s->calls++;
	switch (id) {
	case BPF_FUNC_map_lookup_elem:
		s->calls--;
		return steps_lookup(s, r[1], r[2]);
	case BPF_FUNC_xdp_adjust_head:
		ctx->data += (uint32_t)r[2];
		return 0;
	case BPF_FUNC_xdp_adjust_tail:
		ctx->data_end += (uint32_t)r[2];
		return 0;
	case BPF_FUNC_csum_diff: /* of octets that are added, as the program asks for it */
		assert_int_equal(r[1] | r[2], 0);
		return rig_sum((const void *)r[3], r[4], (uint32_t)r[5]);
	case BPF_FUNC_jiffies64:
		return s->now;
	case BPF_FUNC_get_smp_processor_id:
		return (uint64_t)sched_getcpu();
	case BPF_FUNC_get_prandom_u32:
		return s->random;
	case BPF_FUNC_redirect:
		return XDP_REDIRECT;
	}
	fail_msg("helper %d: the frame has not gone the way that is counted", id);
	return 0;
}

static inline uint64_t steps_alu(uint8_t op, uint64_t a, uint64_t b, bool wide)
{
	unsigned int shift = (unsigned int)b & (wide ? 63 : 31);

	if (!wide) {
		a = (uint32_t)a;
		b = (uint32_t)b;
	}
	switch (op) {
	case BPF_ADD:
		return a + b;
	case BPF_SUB:
		return a - b;
	case BPF_MUL:
		return a * b;
	case BPF_DIV:
		return b ? a / b : 0;
	case BPF_MOD:
		return b ? a % b : a;
	case BPF_OR:
		return a | b;
	case BPF_AND:
		return a & b;
	case BPF_XOR:
		return a ^ b;
	case BPF_MOV:
		return b;
	case BPF_NEG:
		return -a;
	case BPF_LSH:
		return a << shift;
	case BPF_RSH:
		return a >> shift;
	case BPF_ARSH:
		return wide ? (uint64_t)((int64_t)a >> shift)
			    : (uint64_t)(uint32_t)((int32_t)a >> shift);
	}
	fail_msg("operation %#x", op);
	return 0;
}

static inline uint64_t steps_swap(uint64_t v, int32_t bits, bool to_be)
{
	switch (bits) {
	case 16:
		return to_be ? htobe16((uint16_t)v) : htole16((uint16_t)v);
	case 32:
		return to_be ? htobe32((uint32_t)v) : htole32((uint32_t)v);
	default:
		return to_be ? htobe64(v) : htole64(v);
	}
}

static inline bool steps_jumps(uint8_t op, uint64_t a, uint64_t b, bool wide)
{
	int64_t x = wide ? (int64_t)a : (int32_t)a, y = wide ? (int64_t)b : (int32_t)b;

	if (!wide) {
		a = (uint32_t)a;
		b = (uint32_t)b;
	}
	switch (op) {
	case BPF_JA:
		return true;
	case BPF_JEQ:
		return a == b;
	case BPF_JNE:
		return a != b;
	case BPF_JGT:
		return a > b;
	case BPF_JGE:
		return a >= b;
	case BPF_JLT:
		return a < b;
	case BPF_JLE:
		return a <= b;
	case BPF_JSET:
		return a & b;
	case BPF_JSGT:
		return x > y;
	case BPF_JSGE:
		return x >= y;
	case BPF_JSLT:
		return x < y;
	case BPF_JSLE:
		return x <= y;
	}
	fail_msg("jump %#x", op);
	return false;
}

static inline uint64_t steps_load(uint64_t at, uint8_t size)
{
	const void *p = (const void *)at;

	switch (size) {
	case BPF_B:
		return *(const uint8_t *)p;
	case BPF_H:
		return *(const uint16_t *)p;
	case BPF_W:
		return *(const uint32_t *)p;
	default:
		return *(const uint64_t *)p;
	}
}

static inline void steps_store(uint64_t at, uint8_t size, uint64_t v)
{
	memcpy((void *)at, &v, size == BPF_B ? 1 : size == BPF_H ? 2 : size == BPF_W ? 4 : 8);
}

/* Nobody else changes the maps meanwhile. */
static inline void steps_atomic(const struct bpf_insn *i, uint64_t *r)
{
	uint8_t size = BPF_SIZE(i->code);
	uint64_t at = r[i->dst_reg] + (uint64_t)i->off, old = steps_load(at, size), v;

	if (i->imm == BPF_CMPXCHG) {
		if (old == r[0])
			steps_store(at, size, r[i->src_reg]);
		r[0] = old;
		return;
	}
	assert_int_equal(i->imm & ~BPF_FETCH, BPF_ADD);
	v = old + r[i->src_reg];
	steps_store(at, size, v);
	if (i->imm & BPF_FETCH)
		r[i->src_reg] = old;
}

/* The address or the map that two instructions load. */
static inline uint64_t steps_wide(struct steps *s, const struct bpf_insn *i)
{
	if (i->src_reg == BPF_PSEUDO_MAP_VALUE) {
		unsigned int map = steps_map_of(s, i->imm);

		assert_non_null(s->maps[map].mem);
		return (uint64_t)s->maps[map].mem + (uint32_t)i[1].imm;
	}
	return (uint32_t)i->imm | (i->src_reg ? 0 : (uint64_t)(uint32_t)i[1].imm << 32);
}

/* Its arguments are at[1] to at[5]. */
static inline uint64_t steps_run_at(struct steps *s, const struct bpf_insn *i, const uint64_t *at,
				    int depth)
{
	uint8_t stack[STEPS_STACK] __attribute__((aligned(8))) = { 0 };
	uint64_t r[11] = { 0, at[1], at[2], at[3], at[4], at[5] }, b;
	uint8_t op;
	bool wide;

	assert_true(depth < STEPS_DEPTH);
	r[10] = (uint64_t)(stack + sizeof(stack));
	for (;; i++) {
		s->count++;
		op = BPF_OP(i->code);
		b = BPF_SRC(i->code) == BPF_X ? r[i->src_reg] : (uint64_t)(int64_t)i->imm;
		wide = BPF_CLASS(i->code) == BPF_ALU64 || BPF_CLASS(i->code) == BPF_JMP;
		switch (BPF_CLASS(i->code)) {
		case BPF_ALU:
			if (op == BPF_END) {
				r[i->dst_reg] = steps_swap(r[i->dst_reg], i->imm,
							   BPF_SRC(i->code) == BPF_TO_BE);
				break;
			}
			r[i->dst_reg] = (uint32_t)steps_alu(op, r[i->dst_reg], b, false);
			break;
		case BPF_ALU64:
			r[i->dst_reg] = steps_alu(op, r[i->dst_reg], b, true);
			break;
		case BPF_LD:
			r[i->dst_reg] = steps_wide(s, i);
			i++;
			break;
		case BPF_LDX:
			r[i->dst_reg] =
				steps_load(r[i->src_reg] + (uint64_t)i->off, BPF_SIZE(i->code));
			break;
		case BPF_ST:
			steps_store(r[i->dst_reg] + (uint64_t)i->off, BPF_SIZE(i->code),
				    (uint64_t)(int64_t)i->imm);
			break;
		case BPF_STX:
			if (BPF_MODE(i->code) == BPF_ATOMIC)
				steps_atomic(i, r);
			else
				steps_store(r[i->dst_reg] + (uint64_t)i->off, BPF_SIZE(i->code),
					    r[i->src_reg]);
			break;
		default:
			if (op == BPF_EXIT)
				return r[0];
			if (op == BPF_CALL)
				r[0] = i->src_reg == BPF_PSEUDO_CALL
					       ? steps_run_at(s, i + 1 + i->imm, r, depth + 1)
					       : steps_helper(s, i->imm, r);
			else if (steps_jumps(op, r[i->dst_reg], b, wide))
				i += i->off;
		}
	}
}

/* What the program does with a frame: the action. *ret_len and s->frame: what it has become. */
static inline int steps_run(struct steps *s, unsigned int ifindex, const uint8_t *frame, size_t len,
			    const uint8_t **ret_frame, size_t *ret_len)
{
	struct xdp_md ctx = { .ingress_ifindex = ifindex };
	uint64_t action, at[6] = { 0, (uint64_t)&ctx };

	assert_true(STEPS_HEADROOM + len <= STEPS_FRAME);
	ctx.data = (uint32_t)(uintptr_t)s->frame + STEPS_HEADROOM;
	ctx.data_end = ctx.data + (uint32_t)len;
	memcpy(s->frame + STEPS_HEADROOM, frame, len);
	s->count = s->calls = s->lookups = 0;
	action = steps_run_at(
		s,
		bpf_program__insns(s->rig->program ? s->rig->program : s->rig->skel->progs.l2xdp),
		at, 0);
	*ret_frame = (const uint8_t *)(uintptr_t)ctx.data;
	*ret_len = ctx.data_end - ctx.data;
	return (int)action;
}

#endif
