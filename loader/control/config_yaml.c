/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The text is read twice: first as a stream of events, which stops at anything that a
 * configuration has no use for and that could make the document large or endless
 * (aliases, depth, number of nodes); then as a document, whose nodes carry their lines.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/base/log.h"
#include "loader/control/config_yaml.h"

/* ---- faults ---- */

void fault_add(struct faults *f, unsigned int line, const char *fmt, ...)
{
	struct fault *at;
	va_list ap;

	f->all++;
	if (f->kept == CONFIG_MAX_FAULTS)
		return;
	if (!f->list)
		f->list = calloc(CONFIG_MAX_FAULTS, sizeof(*f->list));
	if (!f->list) {
		f->no_memory = true;
		return;
	}
	at = &f->list[f->kept];
	at->file = f->file;
	at->line = line;
	at->order = f->kept++;
	va_start(ap, fmt);
	vsnprintf(at->text, sizeof(at->text), fmt, ap);
	va_end(ap);
}

static int by_place(const void *a, const void *b)
{
	const struct fault *x = a, *y = b;

	if (x->file != y->file)
		return x->file < y->file ? -1 : 1;
	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	return x->order < y->order ? -1 : 1;
}

void faults_print(struct faults *f, char *err, size_t errlen)
{
	unsigned int i;
	size_t used = 0;
	int n;

	if (!errlen)
		return;
	err[0] = '\0';
	if (f->kept)
		qsort(f->list, f->kept, sizeof(*f->list), by_place);
	for (i = 0; i < f->kept; i++) {
		n = snprintf(err + used, errlen - used, "%s%s:%u: %s", i ? "\n" : "",
			     f->files[f->list[i].file], f->list[i].line, f->list[i].text);
		if (n < 0 || (size_t)n >= errlen - used) {
			/* the first is shown cut, others only whole */
			err[i ? used : errlen - 1] = '\0';
			if (!i)
				used = errlen - 1;
			break;
		}
		used += (size_t)n;
	}
	if (f->all > i && i)
		snprintf(err + used, errlen - used, "\n%s: and %u more; mend these first",
			 f->files[0], f->all - i);
}

void faults_free(struct faults *f)
{
	free(f->list);
	*f = (struct faults){ 0 };
}

/* ---- what libyaml never gets to see ---- */

static unsigned int line_of(const char *text, const char *at)
{
	unsigned int line = 1;

	for (; text < at; text++)
		line += *text == '\n';
	return line;
}

static int check_text(struct faults *f, const char *text, size_t len)
{
	const char *p = text, *end = text + len, *nul, *eol;
	unsigned int line = 1;

	if (len > CONFIG_MAX_FILE) {
		fault_add(f, 1, "the file is larger than %u MiB; shorten it",
			  CONFIG_MAX_FILE >> 20);
		return -EINVAL;
	}
	nul = len ? memchr(text, '\0', len) : NULL;
	if (nul) {
		fault_add(f, line_of(text, nul), "a NUL octet; write the file as plain UTF-8 text");
		return -EINVAL;
	}
	for (; p < end; p = eol + 1, line++) {
		eol = memchr(p, '\n', (size_t)(end - p));
		if (!eol)
			eol = end;
		if ((size_t)(eol - p) <= CONFIG_MAX_LINE)
			continue;
		fault_add(f, line, "a line of more than %u octets; break it", CONFIG_MAX_LINE);
		return -EINVAL;
	}
	return 0;
}

/* ---- events ---- */

static void parser_wipe(yaml_parser_t *p)
{
	if (p->raw_buffer.start)
		explicit_bzero(p->raw_buffer.start,
			       (size_t)(p->raw_buffer.end - p->raw_buffer.start));
	if (p->buffer.start)
		explicit_bzero(p->buffer.start, (size_t)(p->buffer.end - p->buffer.start));
	yaml_parser_delete(p);
}

static int parser_fault(struct faults *f, const yaml_parser_t *p, const char *text, size_t len)
{
	size_t offset = p->problem_offset < len ? p->problem_offset : len;
	unsigned int line = (unsigned int)p->problem_mark.line + 1;

	if (p->error == YAML_MEMORY_ERROR)
		return -ENOMEM;
	if (p->error == YAML_READER_ERROR)
		line = line_of(text, text + offset);
	fault_add(f, line, "not YAML: %s%s%s; check indentation, colons, brackets and quotes here",
		  p->context ? p->context : "", p->context ? ", " : "",
		  p->problem ? p->problem : "unreadable");
	return -EINVAL;
}

static const char *refused(const yaml_event_t *e, unsigned int depth, unsigned int documents)
{
	switch (e->type) {
	case YAML_DOCUMENT_START_EVENT:
		if (documents > 1)
			return "a second document begins; leave only one, remove the ---";
		return e->data.document_start.version_directive ||
				       e->data.document_start.tag_directives.start !=
					       e->data.document_start.tag_directives.end
			       ? "a YAML directive; remove the line"
			       : NULL;
	case YAML_ALIAS_EVENT:
		return "an alias (*name); write the value out";
	case YAML_SCALAR_EVENT:
		if (e->data.scalar.anchor)
			return "an anchor (&name); remove it";
		return e->data.scalar.tag ? "a tag (!name); remove it" : NULL;
	case YAML_SEQUENCE_START_EVENT:
		if (e->data.sequence_start.anchor)
			return "an anchor (&name); remove it";
		if (depth > CONFIG_MAX_DEPTH)
			return "lists nested too deep; no key needs that";
		return e->data.sequence_start.tag ? "a tag (!name); remove it" : NULL;
	case YAML_MAPPING_START_EVENT:
		if (e->data.mapping_start.anchor)
			return "an anchor (&name); remove it";
		if (depth > CONFIG_MAX_DEPTH)
			return "keys nested too deep; no key needs that";
		return e->data.mapping_start.tag ? "a tag (!name); remove it" : NULL;
	default:
		return NULL;
	}
}

static void event_wipe(yaml_event_t *e)
{
	if (e->type == YAML_SCALAR_EVENT)
		explicit_bzero(e->data.scalar.value, e->data.scalar.length);
	yaml_event_delete(e);
}

static int check_events(struct faults *f, const char *text, size_t len)
{
	unsigned int depth = 0, documents = 0, nodes = 0;
	const char *why = NULL;
	yaml_parser_t parser;
	yaml_event_t e;
	bool end = false;
	int err = 0;

	if (!yaml_parser_initialize(&parser))
		return -ENOMEM;
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	while (!err && !end) {
		if (!yaml_parser_parse(&parser, &e)) {
			err = parser_fault(f, &parser, text, len);
			break;
		}
		if (e.type == YAML_SEQUENCE_START_EVENT || e.type == YAML_MAPPING_START_EVENT)
			depth++;
		else if (e.type == YAML_SEQUENCE_END_EVENT || e.type == YAML_MAPPING_END_EVENT)
			depth--;
		else if (e.type == YAML_DOCUMENT_START_EVENT)
			documents++;
		why = refused(&e, depth, documents);
		if (!why && ++nodes > CONFIG_MAX_NODES)
			why = "too many values; shorten the file";
		if (why) {
			fault_add(f, (unsigned int)e.start_mark.line + 1, "%s", why);
			err = -EINVAL;
		}
		end = e.type == YAML_STREAM_END_EVENT;
		event_wipe(&e);
	}
	parser_wipe(&parser);
	return err;
}

/* ---- the document ---- */

int document_parse(struct faults *f, const char *text, size_t len, yaml_document_t *ret)
{
	yaml_parser_t parser;
	int err;

	err = check_text(f, text, len);
	if (!err)
		err = check_events(f, text, len);
	if (err)
		return err;
	if (!yaml_parser_initialize(&parser))
		return -ENOMEM;
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	if (!yaml_parser_load(&parser, ret))
		err = parser_fault(f, &parser, text, len);
	parser_wipe(&parser);
	return err;
}

void document_wipe(yaml_document_t *doc)
{
	yaml_node_t *n;

	for (n = doc->nodes.start; n < doc->nodes.top; n++) {
		if (n->type == YAML_SCALAR_NODE)
			explicit_bzero(n->data.scalar.value, n->data.scalar.length);
	}
	yaml_document_delete(doc);
}
