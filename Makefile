# SPDX-License-Identifier: GPL-2.0-or-later
# l2xdp: see `make help`. Rooms are listed in README.md. V=1 shows the commands.

BUILD    ?= build
PREFIX   ?= /usr/local
DESTDIR  ?=
CC        = gcc
BPF_CC   ?= clang-14
BPF_STRIP ?= llvm-strip-14
FUZZ_CC  ?= clang-14
PKGS      = libbpf libxdp libevent_core libnl-3.0 libnl-route-3.0 yaml-0.1 jansson nettle \
	    libcap-ng libseccomp lmdb

VERSION  := $(shell cat VERSION)
WARN      = -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla \
	    -Wformat=2 -Wno-format-nonliteral
HARDEN    = -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE -fstack-clash-protection
OPT      ?= -O2 -g
SAN      ?=
# the sanitizers' code makes gcc see null pointers that are not there: no -Werror with them
CFLAGS    = -std=gnu11 $(OPT) $(WARN) $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer -Wno-error,$(HARDEN))
CPPFLAGS  = -I. -I$(BUILD) -D_GNU_SOURCE -DL2XDP_VERSION='"$(VERSION)"' $(PKG_CFLAGS)
LDFLAGS   = $(if $(SAN),-fsanitize=$(SAN),-pie -Wl,-z,relro,-z,now)
PKG_CFLAGS = $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
LIBS      = $(shell pkg-config --libs $(PKGS) 2>/dev/null) -lelf -lz

Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-7s %s\n' '$(1)' '$(2)')

# ---- rooms ------------------------------------------------------------------
ROOMS    := base l2tp l2tp3 ppp aaa store datapath control monitor
room_src  = $(wildcard loader/$(1)/*.c)
room_obj  = $(patsubst %.c,$(BUILD)/%.o,$(call room_src,$(1)))
room_lib  = $(BUILD)/lib$(1).a
LNS_SRC  := $(filter-out loader/main.c,$(wildcard loader/*.c))
LNS_OBJ  := $(patsubst %.c,$(BUILD)/%.o,$(LNS_SRC))
# later rooms use earlier ones
LINK_ORDER := monitor control datapath store aaa ppp l2tp3 l2tp base
ROOM_LIBS := $(foreach r,$(LINK_ORDER),$(call room_lib,$(r)))

CTL_SRC  := $(wildcard ctl/*.c)
CTL_OBJ  := $(patsubst %.c,$(BUILD)/%.o,$(CTL_SRC))

CLIENT_SRC := $(wildcard tests/client/*.c)
CLIENT_BIN := $(patsubst tests/client/%_main.c,$(BUILD)/tests/%,$(wildcard tests/client/*_main.c))
CLIENT_LIB_SRC := $(filter-out %_main.c,$(CLIENT_SRC))
CLIENT_LIB_OBJ := $(patsubst %.c,$(BUILD)/%.o,$(CLIENT_LIB_SRC))
CLIENT_LIB := $(BUILD)/libclient.a

UNIT_SRC := $(wildcard tests/unit/*_test.c)
UNIT_BIN := $(patsubst tests/unit/%.c,$(BUILD)/tests/unit/%,$(UNIT_SRC))
BPFTEST_SRC := $(wildcard tests/bpf/*_test.c)
BPFTEST_BIN := $(patsubst tests/bpf/%.c,$(BUILD)/tests/bpf/%,$(BPFTEST_SRC))
BENCH_BIN := $(patsubst tests/bench/%.c,$(BUILD)/tests/bench/%,$(wildcard tests/bench/*_bench.c))
BENCH_LIB_OBJ := $(patsubst %.c,$(BUILD)/%.o,$(filter-out %_bench.c %.bpf.c tests/bench/idle_%,$(wildcard tests/bench/*.c)))
FUZZ_SRC := $(wildcard tests/fuzz/*_fuzz.c)
FUZZ_BIN := $(patsubst tests/fuzz/%.c,$(BUILD)/tests/fuzz/%,$(FUZZ_SRC))

# ---- programs for the kernel --------------------------------------------------
BPF_SRC  := $(wildcard bpf/*.bpf.c)
BPF_OBJ  := $(patsubst bpf/%.bpf.c,$(BUILD)/bpf/%.bpf.o,$(BPF_SRC))
BPF_SKEL := $(patsubst bpf/%.bpf.c,$(BUILD)/bpf/%.skel.h,$(BPF_SRC))
TBPF_SRC := $(wildcard tests/bpf/*.bpf.c tests/lab/*.bpf.c tests/bench/*.bpf.c)
TBPF_OBJ := $(patsubst %.bpf.c,$(BUILD)/%.bpf.o,$(TBPF_SRC))
BPF_ARCH := $(shell uname -m | sed 's/x86_64/x86/; s/aarch64/arm64/')
BPFFLAGS  = -std=gnu11 -O2 -g -mcpu=v3 -target bpf -D__TARGET_ARCH_$(BPF_ARCH) -I. -Ivmlinux -Wall -Wextra \
	    -Werror -Wno-unused-parameter -Wno-address-of-packed-member -Wno-missing-declarations

.PHONY: all deps deps-check test unit bpf-test lab interop fuzz fuzz-replay bench bench-full bench-pieces soak demo demo-pseudowire lint asan install clean \
	help format vmlinux test-bins unit-bins bpf-bins bpf-objects fuzz-bins lab-bins bench-bins
.DEFAULT_GOAL := all
.SECONDARY:

all: $(BUILD)/l2xdpd $(BUILD)/l2xdpctl ## build l2xdpd and l2xdpctl (in build/)

define room_rule
$(call room_lib,$(1)): $(call room_obj,$(1))
	$$(call say,AR,$$@)
	$$(Q)rm -f $$@ && ar rcs $$@ $$^
endef
$(foreach r,$(ROOMS),$(eval $(call room_rule,$(r))))

$(BUILD)/%.o: %.c | deps-check $(BPF_SKEL)
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D) && $(CC) $(CFLAGS) $(CPPFLAGS) -MMD -MP -c $< -o $@

$(BUILD)/l2xdpd: $(BUILD)/loader/main.o $(LNS_OBJ) $(ROOM_LIBS)
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $(BUILD)/loader/main.o $(LNS_OBJ) -Wl,--start-group $(ROOM_LIBS) -Wl,--end-group $(LIBS)

$(BUILD)/l2xdpctl: $(CTL_OBJ) $(call room_lib,base)
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(shell pkg-config --libs jansson)

$(BUILD)/bpf/%.bpf.o: bpf/%.bpf.c | deps-check
	$(call say,BPF,$<)
	$(Q)mkdir -p $(@D) && $(BPF_CC) $(BPFFLAGS) -MMD -MP -c $< -o $@ && $(BPF_STRIP) -g $@

$(BUILD)/tests/%.bpf.o: tests/%.bpf.c
	$(call say,BPF,$<)
	$(Q)mkdir -p $(@D) && $(BPF_CC) $(BPFFLAGS) -MMD -MP -c $< -o $@ && $(BPF_STRIP) -g $@

$(BUILD)/bpf/%.skel.h: $(BUILD)/bpf/%.bpf.o
	$(call say,SKEL,$@)
	$(Q){ echo '/* NOLINTBEGIN: generated */'; /usr/sbin/bpftool gen skeleton $< name $*_bpf && \
		echo '/* NOLINTEND */'; } > $@.tmp && mv $@.tmp $@

# ---- tests --------------------------------------------------------------------
$(CLIENT_LIB): $(CLIENT_LIB_OBJ)
	$(call say,AR,$@)
	$(Q)mkdir -p $(@D) && rm -f $@ && ar rcs $@ $^

# the glue is in those tests alone that do not stand in for it
$(BUILD)/tests/unit/lns_% $(BUILD)/tests/unit/persist_%: UNIT_OBJ := $(LNS_OBJ)
# without those that need a data path, for which the test stands in
$(BUILD)/tests/unit/wires_%: UNIT_OBJ := $(filter %/records.o,$(LNS_OBJ)) $(filter $(BUILD)/loader/wires%,$(LNS_OBJ))
$(BUILD)/tests/unit/%: tests/unit/%.c $(LNS_OBJ) $(CLIENT_LIB) $(ROOM_LIBS) | $(BPF_SKEL)
	$(call say,TEST,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(CFLAGS) $(CPPFLAGS) -MMD -MP $(LDFLAGS) -o $@ $< $(UNIT_OBJ) \
		-Wl,--start-group $(CLIENT_LIB) $(ROOM_LIBS) -Wl,--end-group $(LIBS) -lcmocka

$(BUILD)/tests/bpf/%: tests/bpf/%.c $(ROOM_LIBS) | $(BPF_SKEL) $(TBPF_OBJ)
	$(call say,TEST,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(CFLAGS) $(CPPFLAGS) -DBPF_CC='"$(BPF_CC)"' -MMD -MP $(LDFLAGS) -o $@ $< \
		-Wl,--start-group $(ROOM_LIBS) -Wl,--end-group $(LIBS) -lcmocka

# NAME_bench.c and the room's other files
$(BUILD)/tests/bench/%: tests/bench/%.c $(BENCH_LIB_OBJ) | $(BPF_SKEL) $(TBPF_OBJ)
	$(call say,BENCH,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(CFLAGS) $(CPPFLAGS) -MMD -MP $(LDFLAGS) -o $@ $< $(BENCH_LIB_OBJ) $(LIBS)

# the daemon's own code, with a data path of ordinary memory
IDLE_OBJ := $(BUILD)/tests/bench/idle_maps.o $(BUILD)/tests/bench/report.o $(LNS_OBJ)
$(BUILD)/tests/bench/idle_bench: tests/bench/idle_bench.c $(IDLE_OBJ) $(ROOM_LIBS)
	$(call say,BENCH,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(CFLAGS) $(CPPFLAGS) -MMD -MP $(LDFLAGS) -o $@ $< $(IDLE_OBJ) \
		-Wl,--start-group $(ROOM_LIBS) -Wl,--end-group $(LIBS)

# l2xdp-client, l2xdp-load: tests/client/NAME_main.c and the room's other files
$(BUILD)/tests/%: tests/client/%_main.c $(CLIENT_LIB) $(ROOM_LIBS)
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(CFLAGS) $(CPPFLAGS) -MMD -MP $(LDFLAGS) -o $@ $< \
		-Wl,--start-group $(CLIENT_LIB) $(ROOM_LIBS) -Wl,--end-group $(LIBS)

# A fuzzer is one file plus the pure rooms, all instrumented.
PURE_SRC := $(foreach r,base l2tp l2tp3 ppp aaa,$(call room_src,$(r)))
FUZZFLAGS = -std=gnu11 -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
	    -fno-omit-frame-pointer
$(BUILD)/tests/fuzz/%: tests/fuzz/%.c $(PURE_SRC) $(wildcard loader/*/*.h)
	$(call say,FUZZ,$@)
	$(Q)mkdir -p $(@D) && $(FUZZ_CC) $(FUZZFLAGS) $(CPPFLAGS) -o $@ $< $(PURE_SRC) \
		$(shell sed -n 's/^.*FUZZ_SOURCES: \(.*\) \*\/.*/\1/p' $<) $(LIBS)

test-bins: unit-bins bpf-bins lab-bins
unit-bins: $(UNIT_BIN) $(BUILD)/l2xdpctl
bpf-objects: $(BPF_OBJ)
bpf-bins: $(BPFTEST_BIN)
fuzz-bins: $(FUZZ_BIN)
lab-bins: all $(CLIENT_BIN) $(TBPF_OBJ)
bench-bins: lab-bins $(BENCH_BIN)

deps: ## install the Debian packages of tests/packages.txt (root)
	$(Q)tests/deps.sh

deps-check:
	@pkg-config --exists $(PKGS) || { echo 'packages are missing; run: sudo make deps' >&2; exit 1; }

test: ## install, build, run all tests (root); last line: N passed, N failed, N skipped
	$(Q)tests/run all

unit: ## protocol, codec and configuration tests (no root)
	$(Q)tests/run unit

bpf-test: ## programs on named packets (root)
	$(Q)tests/run bpf

lab: ## network namespaces: subscriber, us, core host (root)
	$(Q)tests/run lab

interop: ## xl2tpd and pppd in a QEMU guest on Debian's kernel; tshark (root)
	$(Q)tests/run interop

fuzz: ## libFuzzer on every parser; FUZZ_SECONDS each (default 60)
	$(Q)tests/fuzz/run.sh

bench: ## packets, TCP, set-ups, memory, beside the kernel and l2tpns; minutes (root)
	$(Q)tests/bench/run.sh

bench-full: ## the same with all sizes and numbers of sessions; hours (root)
	$(Q)tests/bench/run.sh --full

bench-pieces: ## where the time of a packet goes (root)
	$(Q)tests/bench/run.sh pieces

soak: ## hours of set-ups, kills, floods; SOAK_SECONDS for each build and line (1800) (root)
	$(Q)tests/soak/soak.sh

demo: ## the main job on a lab of network namespaces (root)
	$(Q)tests/demo.sh

demo-pseudowire: ## two sites and a bridged segment over L2TPv3 (root)
	$(Q)tests/demo_pseudowire.sh

asan: ## unit tests under AddressSanitizer and UBSan
	$(Q)tests/run asan

fuzz-replay: ## every fuzzer over its corpus
	$(Q)tests/run fuzz-replay

lint: ## clang-format, clang-tidy, shellcheck, headers alone, SPDX
	$(Q)tests/lint.sh

format: ## clang-format the tree in place
	$(Q)git ls-files '*.c' '*.h' | grep -v '^vmlinux/' | xargs clang-format-14 -i

vmlinux: ## regenerate vmlinux/vmlinux.h
	$(Q)vmlinux/generate.sh

install: all ## install under DESTDIR/PREFIX
	$(Q)deploy/install.sh '$(BUILD)' '$(DESTDIR)' '$(PREFIX)'

clean: ## remove build/
	$(Q)rm -rf $(BUILD)

help: ## this list
	@echo 'l2xdp $(VERSION): make [TARGET] [V=1] [BUILD=dir] [BPF_CC=clang-19]'
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
