/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Do the maps that are pinned fit us? Looks, and changes nothing. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loader/datapath/program.h"

static uint64_t add_octets(uint64_t h, const void *p, size_t n)
{
	const uint8_t *b = p;

	for (size_t i = 0; i < n; i++)
		h = (h ^ b[i]) * 0x100000001b3ull;
	return h;
}

struct l2x_about about_of(const struct dp_config *cfg)
{
	struct l2x_about a = { .magic = L2X_ABOUT_MAGIC,
			       .schema = L2X_SCHEMA,
			       .shards = cfg->shards };
	struct dp_maps m = { 0 };

	maps_windows(cfg, &m);
	a.windows =
		add_octets(0xcbf29ce484222325ull, m.window4, m.n_windows4 * sizeof(m.window4[0]));
	a.windows = add_octets(a.windows ^ 6, m.window6, m.n_windows6 * sizeof(m.window6[0]));
	snprintf(a.version, sizeof(a.version), "%s", L2XDP_VERSION);
	return a;
}

enum fate about_judge(const struct l2x_about *have, const struct l2x_about *want, char *note,
		      size_t len)
{
	note[0] = '\0';
	if (have->magic != want->magic) {
		snprintf(note, len, "they do not say what they are");
		return FATE_OTHER;
	}
	if (have->schema > want->schema) {
		snprintf(note, len, "made by l2xdp %.39s: schema %u, this one knows %u",
			 have->version, have->schema, want->schema);
		return FATE_NEWER;
	}
	if (have->schema < want->schema) {
		snprintf(note, len, "made by l2xdp %.39s: schema %u, now %u", have->version,
			 have->schema, want->schema);
		return FATE_OTHER;
	}
	if (have->shards != want->shards) {
		snprintf(note, len, "shards: %u before, now %u", have->shards, want->shards);
		return FATE_OTHER;
	}
	return have->windows == want->windows ? FATE_SAME : FATE_WINDOWS;
}

/* 0, -ENOENT: there are no maps, or what the kernel says. */
static int read_about(const char *dir, struct l2x_about *ret)
{
	char path[PIN_PATH_LEN];
	struct stat st;
	uint32_t key = 0;
	int fd, rc = 0;

	snprintf(path, sizeof(path), "%s/" PIN_SET, dir);
	if (stat(path, &st))
		return -errno;
	pins_map_path(dir, PIN_SET, PIN_ABOUT, path);
	fd = bpf_obj_get(path);
	memset(ret, 0, sizeof(*ret));
	if (fd < 0) /* a set without it is none that we made */
		return errno == ENOENT ? 0 : -errno;
	if (bpf_map_lookup_elem(fd, &key, ret))
		rc = -errno;
	close(fd);
	return rc;
}

static bool is_one_of(const char *name, const char *const *list)
{
	for (; *list; list++)
		if (strcmp(name, *list) == 0)
			return true;
	return false;
}

/* Made anew, these cost nothing but counters and a moment of look-ups; those of pseudowires are
 * filled from the earlier ones, and by the configuration. */
static bool is_soft(const char *name)
{
	static const char *const list[] = { "nexthops", "routes", "police",     "verdicts",
					    "ports",    "vlans",  "handed",     "pws",
					    "pw_ways",  "pw_ids", "pw_traffic", "pw_notes",
					    "circuits", NULL };

	return is_one_of(name, list);
}

bool pins_is_pool(const char *name)
{
	static const char *const list[] = { "pool4", "pool6", NULL };

	return is_one_of(name, list);
}

bool pins_fits(int fd, const struct bpf_map *m)
{
	struct bpf_map_info info = { 0 };
	uint32_t len = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		return false;
	return info.type == (uint32_t)bpf_map__type(m) && info.key_size == bpf_map__key_size(m) &&
	       info.value_size == bpf_map__value_size(m) &&
	       info.max_entries == bpf_map__max_entries(m) &&
	       info.map_flags == bpf_map__map_flags(m);
}

/* A map that must fit and does not makes all of them another set. */
static bool core_fits(const char *dir, struct l2xdp_bpf *p, char *note, size_t len)
{
	struct bpf_map *m = NULL;

	bpf_object__for_each_map(m, program_object(p))
	{
		const char *name = pins_map_name(m);
		char path[PIN_PATH_LEN];
		bool good;
		int fd;

		if (program_map_is_own(m) || is_soft(name) || pins_is_pool(name))
			continue;
		pins_map_path(dir, PIN_SET, name, path);
		fd = bpf_obj_get(path);
		good = fd >= 0 && pins_fits(fd, m);
		if (fd >= 0)
			close(fd);
		if (good)
			continue;
		snprintf(note, len, fd < 0 ? "map %s is missing" : "map %s has another form", name);
		return false;
	}
	return true;
}

enum fate pins_look(const char *dir, const struct dp_config *cfg, struct l2xdp_bpf *p,
		    struct l2x_about *ret_about, char *note, size_t len)
{
	const struct l2x_about want = about_of(cfg);
	int rc = read_about(dir, ret_about);
	enum fate fate;

	note[0] = '\0';
	if (rc == -ENOENT)
		return FATE_NONE;
	if (rc < 0) {
		snprintf(note, len, "they cannot be read: %s", strerror(-rc));
		return FATE_OTHER;
	}
	fate = about_judge(ret_about, &want, note, len);
	if (fate == FATE_SAME || fate == FATE_WINDOWS)
		return core_fits(dir, p, note, len) ? fate : FATE_OTHER;
	return fate;
}
