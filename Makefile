# etchsim: `make run` and `make test` work from a clean clone; `make help` lists the rest.
#
#   build/etchsim        the program: sim/main.c and libetchsim.a
#   build/libetchsim.a   kernels/ adapters/ traces/ sim/
#   build/tests          every CUnit suite listed in tests/unit/suites.def
#   build/bench          every benchmark listed in tests/bench/benches.def
#   build/lockstep       the LoRA MAC unit's C model and its verilated RTL side by side
#   build/libetchsim_lora_dpi.so   the LoRA MAC unit's C model for SystemVerilog, see docs/vectors.md
#   build/libetchsim.so            the library for other programs: etchsim/etchsim.h and etchsim/bus.h, and no other symbol
#   build/libetchsim_systemc.so    SystemC from C, loaded by --engine systemc; only where SystemC is installed, see docs/systemc.md
#   build/libetchsim_tlm.so        the chip as a TLM-2.0 component, likewise
#   build/systemc_tests            the CUnit suites of tests/systemc/suites.def, build/platform the example platform, likewise
#
# The variants (asan, fuzz, coverage) are this same Makefile with another BUILD directory and other flags.

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDARY:
# All processors, unless the command line says -jN (which wins) or another make above us decides.
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(shell nproc 2>/dev/null || echo 2)
endif

ifeq ($(origin CC),default)
CC := gcc
endif
CCACHE := $(shell command -v ccache 2>/dev/null)
BUILD ?= build
WERROR ?= -Werror
OPTIMISE ?= -O3
# What a variant adds to every compilation and to every link.
VARIANT ?=
FUZZ_SECONDS ?= 20
# Arguments for `make run ARGS='--chip sample-wide'`, suites for `make test SUITES='config'`, names for `make bench BENCHES=...`.
ARGS ?=
SUITES ?=
BENCHES ?=
# A llama-bench program and a GGUF model of Llama 3.1 8B's shape for it: make bench BENCHES=full_size PEER=... PEER_MODEL=...
PEER ?=
PEER_MODEL ?=
# `make lockstep` runs for this long, all sets of parameters together.
LOCKSTEP_SECONDS ?= 300
# Proofs for `make formal PROOFS='link control'`, options for `make mutate MUTATE='--mutants 100'`, lanes for `make synth LANES='64'`.
PROOFS ?=
MUTATE ?=
LANES ?=
# V=1 shows whole command lines.
Q := $(if $(V),,@)

# --- what is built from what ---------------------------------------------------------------------------------------------------------

ARCH := $(firstword $(subst -, ,$(shell $(CC) -dumpmachine 2>/dev/null)))
SOURCES := $(filter-out sim/main.c,$(wildcard kernels/*.c adapters/*.c sim/*.c traces/*.c))
ifneq ($(ARCH),x86_64)
SOURCES := $(filter-out %_avx2.c %_avx512.c,$(SOURCES))
endif
TEST_SOURCES := $(wildcard $(foreach suite,unit latency order golden,tests/$(suite)/*.c))
BENCH_SOURCES := $(wildcard tests/bench/*.c)
LOCKSTEP_SOURCES := $(wildcard tests/lockstep/*.c)
DPI_SOURCES := $(filter $(SOURCES),sim/lora_dpi.c sim/lora_flat.c sim/lora_rules.c sim/lora_pins_model.c sim/lora_ports.c sim/lora_layout.c sim/error.c \
	kernels/lora.c kernels/requant.c kernels/tables.c kernels/isa.c kernels/isa_plain.c kernels/isa_avx2.c kernels/isa_avx512.c)
CLI_TESTS := $(wildcard tests/cli/*.sh)
FUZZERS := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FORMATTED = $(wildcard $(foreach d,kernels adapters sim sim/include/etchsim sim/mpi sim/systemc sim/systemc/include/etchsim sim/examples sim/examples/platform scripts traces tests/* tests/systemc/bench,$(d)/*.c $(d)/*.h $(d)/*.cpp $(d)/*.hpp))
# SystemC stays at the edge: what needs it is built where it is installed, into libraries of its own.
SYSTEMC := $(shell pkg-config --exists systemc 2>/dev/null && command -v g++ 2>/dev/null)
SYSTEMC_LIBRARIES := $(if $(SYSTEMC),$(addprefix $(BUILD)/,libetchsim_systemc.so libetchsim_tlm.so))
SYSTEMC_PROGRAMS := $(if $(SYSTEMC),$(addprefix $(BUILD)/,systemc_tests platform shim_counter))
EXAMPLES := sim/examples
# What `mpirun -n N etchsim sweep` needs beside the program, which itself does without MPI. Only where there is an mpicc.
MPICC := $(shell command -v mpicc 2>/dev/null)
MPI_LIBRARIES := $(if $(MPICC),$(BUILD)/libetchsim_mpi.so)

objects = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))

# --- flags -------------------------------------------------------------------------------------------------------------------------------

# Public headers are included as they are once installed, <etchsim/...>; two of them are made here.
INCLUDES := -I. -Isim/include -Isim/systemc/include -I$(BUILD)/include
REGISTERS := $(addprefix $(BUILD)/include/etchsim/,registers.h registers.hpp)
LIBRARIES := yaml-0.1 libcjson zlib libxxhash libpcre2-8 verilator lapacke sqlite3
# No -Wformat-truncation: texts that may be cut are cut on purpose, paths are checked by snprintf's result.
# Without contraction a float expression (baking, reports) gives the same bits on every machine.
CFLAGS_ALL = -std=c17 -D_GNU_SOURCE $(OPTIMISE) -g -Wall -Wextra -Wpedantic $(WERROR) $(if $(findstring clang,$(CC)),,-Wno-format-truncation) -ffp-contract=off -fPIC -fvisibility=hidden $(INCLUDES) \
	$(shell pkg-config --cflags $(LIBRARIES) 2>/dev/null) $(VARIANT) $(CFLAGS)
LDFLAGS_ALL = $(VARIANT) $(LDFLAGS)
LIBS = $(shell pkg-config --libs $(LIBRARIES) 2>/dev/null) -lm -lpthread -ldl
CFLAGS_ALL := $(CFLAGS_ALL)
# Debian's SystemC is C++17 and links with nothing else.
CXXFLAGS_ALL = -std=c++17 $(OPTIMISE) -g -Wall -Wextra -Wpedantic $(WERROR) -fPIC -fvisibility=hidden $(INCLUDES) $(CXXFLAGS) $(FILE_FLAGS)

# Only these files may use more than the baseline instruction set; a dispatch on the running CPU guards them.
$(BUILD)/obj/kernels/%_avx2.o $(BUILD)/pic/kernels/%_avx2.o: FILE_FLAGS = -mavx2 -mfma
$(BUILD)/obj/kernels/%_avx512.o $(BUILD)/pic/kernels/%_avx512.o: FILE_FLAGS = -mavx512f -mavx512bw -mavx512vl -mavx512dq -mavx512vnni -mavx512vbmi
# Only these know where the source tree is: all other objects are the same wherever it lies.
$(addprefix $(BUILD)/obj/,sim/presets.o tests/unit/check.o): FILE_FLAGS = -DETCHSIM_SOURCE_DIR='"$(CURDIR)"'
$(BUILD)/obj/sim/version.o: FILE_FLAGS = -DETCHSIM_COMMIT='"$(COMMIT)"'
COMMIT := $(shell git describe --always --dirty --abbrev=12 2>/dev/null || echo unknown)

# The FST writer that comes with Verilator, for traces/waveform.c; not our code, so without our warnings and sanitizers (it stores at odd addresses).
FST := $(shell pkg-config --variable=includedir verilator 2>/dev/null)/gtkwave
FST_OBJECTS := $(patsubst %,$(BUILD)/obj/fst/%.o,fstapi fastlz lz4)
$(BUILD)/obj/traces/waveform.o: FILE_FLAGS = -isystem $(FST)

# --- building ----------------------------------------------------------------------------------------------------------------------------

.PHONY: all
all: $(BUILD)/etchsim $(BUILD)/libetchsim.so $(SYSTEMC_LIBRARIES) $(MPI_LIBRARIES) ## build build/etchsim (the default)
ifeq ($(SYSTEMC),)
	@echo 'built without SystemC: no --engine systemc (scripts/setup.sh systemc installs it)'
endif

$(BUILD)/etchsim: $(call objects,sim/main.c) $(BUILD)/libetchsim.a
	$(Q:@=@echo 'link $@';) $(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)

$(BUILD)/libetchsim_mpi.so: sim/mpi/etchsim_mpi.c sim/sweep_transport.h $(BUILD)/flags.txt
	@mkdir -p $(@D)
	$(Q:@=@echo '$<';) $(MPICC) -std=c17 -O2 -Wall -Wextra $(WERROR) -I. -fPIC -shared -o $@ $<

$(BUILD)/libetchsim.a: $(call objects,$(SOURCES)) $(FST_OBJECTS) $(BUILD)/objects.txt
	@rm -f $@
	$(Q)$(AR) rcs $@ $(filter %.o,$^)

$(BUILD)/tests: $(call objects,$(TEST_SOURCES)) $(BUILD)/libetchsim.a
	$(Q:@=@echo 'link $@';) $(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS) $(shell pkg-config --libs cunit)

$(BUILD)/bench: $(call objects,$(BENCH_SOURCES)) $(BUILD)/libetchsim.a
	$(Q:@=@echo 'link $@';) $(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)

$(BUILD)/lockstep: $(call objects,$(LOCKSTEP_SOURCES)) $(BUILD)/libetchsim.a
	$(Q:@=@echo 'link $@';) $(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)

# Compiled apart: position-independent, and without a variant's instruments, which a simulator that loads it does not have.
$(BUILD)/libetchsim_lora_dpi.so: $(patsubst %.c,$(BUILD)/pic/%.o,$(DPI_SOURCES))
	$(Q:@=@echo 'link $@';) $(CC) $(LDFLAGS) -shared -Wl,--no-undefined -o $@ $^ -lm

$(BUILD)/pic/%.o: %.c $(BUILD)/flags.txt
	@mkdir -p $(@D)
	$(Q:@=@echo '$< (pic)';) $(CCACHE) $(CC) $(filter-out $(VARIANT),$(CFLAGS_ALL)) -fPIC -fvisibility=hidden $(FILE_FLAGS) -MMD -MP -c -o $@ $<

# Everything in one library of which only what is marked as public can be seen.
$(BUILD)/libetchsim.so: $(call objects,$(SOURCES)) $(FST_OBJECTS) $(BUILD)/objects.txt
	$(Q:@=@echo 'link $@';) $(CC) $(LDFLAGS_ALL) -shared -Wl,-soname,libetchsim.so.0 -Wl,--version-script=scripts/etchsim.map -o $@ $(filter %.o,$^) $(LIBS)
	@ln -sf $(@F) $@.0

$(BUILD)/registers: scripts/registers.c sim/registers.def
	@mkdir -p $(@D)
	$(Q:@=@echo '$<';) $(CC) -std=c17 -I. -o $@ $<
$(REGISTERS): $(BUILD)/include/etchsim/registers.%: $(BUILD)/registers
	@mkdir -p $(@D)
	$(Q)$< $* > $@

# SystemC's side. Its libraries find libetchsim.so beside them.
SYSTEMC_LINK = g++ $(LDFLAGS_ALL) -Wl,-rpath,'$$ORIGIN' -o $@ $(filter %.o,$^) -L$(BUILD)
$(BUILD)/libetchsim_systemc.so: $(BUILD)/obj/sim/systemc/shim.o
	$(Q:@=@echo 'link $@';) $(SYSTEMC_LINK) -shared -Wl,-soname,$(@F).0 $(shell pkg-config --libs systemc)
	@ln -sf $(@F) $@.0
$(BUILD)/libetchsim_tlm.so: $(BUILD)/obj/sim/systemc/chip.o $(BUILD)/libetchsim.so
	$(Q:@=@echo 'link $@';) $(SYSTEMC_LINK) -shared -Wl,-soname,$(@F).0 -letchsim $(shell pkg-config --libs systemc)
	@ln -sf $(@F) $@.0
$(BUILD)/systemc_tests: $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard tests/systemc/*.c) tests/unit/check.c) $(patsubst %.cpp,$(BUILD)/obj/%.o,$(wildcard tests/systemc/*.cpp)) \
		$(BUILD)/obj/tests/systemc/main.o $(SYSTEMC_LIBRARIES)
	$(Q:@=@echo 'link $@';) $(SYSTEMC_LINK) -letchsim_tlm -letchsim_systemc -letchsim -lsystemc $(shell pkg-config --libs cunit)
$(BUILD)/systemc_bench: $(addprefix $(BUILD)/obj/tests/systemc/,bench/main.o tlm_bench.o) $(SYSTEMC_LIBRARIES)
	$(Q:@=@echo 'link $@';) $(SYSTEMC_LINK) -letchsim_tlm -letchsim_systemc -letchsim -lsystemc
$(BUILD)/platform: $(addprefix $(BUILD)/obj/$(EXAMPLES)/platform/,platform.o driver.o) $(SYSTEMC_LIBRARIES)
	$(Q:@=@echo 'link $@';) $(SYSTEMC_LINK) -letchsim_tlm -letchsim -lsystemc
$(BUILD)/shim_counter: $(BUILD)/obj/$(EXAMPLES)/shim_counter.o $(BUILD)/libetchsim_systemc.so
	$(Q:@=@echo 'link $@';) $(SYSTEMC_LINK) -letchsim_systemc -lsystemc
# libsystemc's main() calls it.
$(BUILD)/obj/$(EXAMPLES)/platform/platform.o: FILE_FLAGS = -fvisibility=default
# The same main() as build/tests, with other suites.
$(BUILD)/obj/tests/systemc/main.o: FILE_FLAGS = -DSUITES='"tests/systemc/suites.def"'
$(BUILD)/obj/tests/systemc/main.o: tests/unit/main.c $(BUILD)/flags.txt | libraries
	@mkdir -p $(@D)
	$(Q:@=@echo '$< (systemc)';) $(CCACHE) $(CC) $(CFLAGS_ALL) $(FILE_FLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/obj/%.o: %.cpp $(BUILD)/flags.txt | $(REGISTERS)
	@mkdir -p $(@D)
	$(Q:@=@echo '$<';) $(CCACHE) g++ $(CXXFLAGS_ALL) -MMD -MP -c -o $@ $<

$(BUILD)/fuzz_%: $(BUILD)/obj/tests/fuzz/fuzz_%.o $(BUILD)/libetchsim.a
	$(Q:@=@echo 'link $@';) $(CC) $(LDFLAGS_ALL) -fsanitize=fuzzer -o $@ $^ $(LIBS)

$(BUILD)/obj/%.o: %.c $(BUILD)/flags.txt | libraries $(REGISTERS)
	@mkdir -p $(@D)
	$(Q:@=@echo '$<';) $(CCACHE) $(CC) $(CFLAGS_ALL) $(FILE_FLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/obj/fst/%.o: $(FST)/%.c $(BUILD)/flags.txt | libraries
	@mkdir -p $(@D)
	$(Q:@=@echo '$<';) $(CCACHE) $(CC) -std=gnu11 $(OPTIMISE) -w -fPIC -fvisibility=hidden -DFST_CONFIG_INCLUDE='"fst_config.h"' -I$(FST) -c -o $@ $<

-include $(patsubst %.o,%.d,$(call objects,$(SOURCES) sim/main.c $(TEST_SOURCES) $(BENCH_SOURCES) $(LOCKSTEP_SOURCES) $(FUZZERS:%=tests/fuzz/fuzz_%.c)))
-include $(patsubst %.c,$(BUILD)/pic/%.d,$(DPI_SOURCES)) $(wildcard $(addprefix $(BUILD)/obj/,sim/systemc/*.d tests/systemc/*.d tests/systemc/*/*.d $(EXAMPLES)/*.d $(EXAMPLES)/*/*.d))

# Files that change only when their text does: what hangs on them is rebuilt when flags, the list of sources or the commit change.
$(BUILD)/flags.txt: TEXT = $(CC) $(CFLAGS_ALL)
$(BUILD)/objects.txt: TEXT = $(SOURCES)
$(BUILD)/commit.txt: TEXT = $(COMMIT)
$(BUILD)/flags.txt $(BUILD)/objects.txt $(BUILD)/commit.txt: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' '$(subst ','\'',$(TEXT))' | cmp -s - $@ || printf '%s\n' '$(subst ','\'',$(TEXT))' > $@
$(BUILD)/obj/sim/version.o: $(BUILD)/commit.txt

.PHONY: FORCE libraries
FORCE:
libraries:
	@pkg-config --exists $(LIBRARIES) || { echo 'Libraries are missing: run scripts/setup.sh, or make run.' >&2; exit 2; }

# --- running, testing --------------------------------------------------------------------------------------------------------------------

# Set-up comes first, and make is started anew after it, since what is installed decides the flags.
.PHONY: setup run test check install copy lockstep formal mutate rtl-coverage synth validate dpi sweeps bench asan fuzz coverage lint fmt train clean help
setup: ## install the Debian packages that are missing (run, test and others do this by themselves)
	@scripts/setup.sh base

run: setup ## build, then generate a few tokens on the sample chip: make run ARGS='--chip sample-wide'
	@$(MAKE) --no-print-directory all
	$(BUILD)/etchsim run $(ARGS)

test: setup ## build, then run every test: make test SUITES='config gguf' runs only these suites
	@scripts/setup.sh rtl systemc plot
	@$(MAKE) --no-print-directory check

# Verilated RTL of tests and benchmarks is kept in build/cache: only the first run has to build it.
check lockstep mutate rtl-coverage bench: export ETCHSIM_CACHE := $(CURDIR)/build/cache
check: $(BUILD)/tests $(BUILD)/etchsim $(BUILD)/lockstep $(BUILD)/libetchsim_lora_dpi.so $(SYSTEMC_LIBRARIES) $(SYSTEMC_PROGRAMS) $(MPI_LIBRARIES)
	$(BUILD)/tests $(SUITES)
ifeq ($(SUITES),)
	$(if $(SYSTEMC),$(BUILD)/systemc_tests)
	$(BUILD)/lockstep
	$(if $(SYSTEMC),$(BUILD)/lockstep --systemc)
	@ETCHSIM=$(abspath $(BUILD))/etchsim tests/cli/run $(CLI_TESTS)
endif

lockstep: setup ## model and RTL of the LoRA MAC unit for LOCKSTEP_SECONDS (300), wide units and new random seeds included
	@scripts/setup.sh rtl
	@$(MAKE) --no-print-directory $(BUILD)/lockstep
	$(BUILD)/lockstep --seconds $(LOCKSTEP_SECONDS)

formal: setup ## prove properties of the LoRA MAC unit's RTL (docs/formal.md): make formal PROOFS='link control'
	@scripts/setup.sh formal
	scripts/formal.sh $(PROOFS)

mutate: setup ## put faults into the LoRA MAC unit's RTL, one at a time: do the benches notice? (docs/formal.md; an interrupted run goes on)
	@scripts/setup.sh rtl formal
	@$(MAKE) --no-print-directory $(BUILD)/lockstep
	@mkdir -p $(BUILD)/mutate
	scripts/mutate.py $(MUTATE) $(BUILD)/lockstep $(BUILD)/mutate

rtl-coverage: setup ## lines and bits of the LoRA MAC unit's RTL that its benches exercise (docs/formal.md)
	@scripts/setup.sh rtl
	@$(MAKE) --no-print-directory $(BUILD)/lockstep
	scripts/rtl_coverage.py $(BUILD)/lockstep $(BUILD)/rtl-coverage

synth: setup ## cells, flip-flops and depth of the LoRA MAC unit for 16, 64, 256 lanes: a table, and build/synth/lora_mac.yaml (docs/lora_mac.md)
	@scripts/setup.sh synth
	scripts/synth.sh $(LANES)

validate: setup ## published figures beside ours, with error and tolerance; fails when one is broken (docs/validation.md)
	@$(MAKE) --no-print-directory all
	$(BUILD)/etchsim validate

dpi: setup ## build/libetchsim_lora_dpi.so: the LoRA MAC unit's C model for SystemVerilog, with rtl/dpi/*.sv (docs/vectors.md)
	@$(MAKE) --no-print-directory $(BUILD)/libetchsim_lora_dpi.so

SWEEPS := $(patsubst configs/sweeps/%.yaml,%,$(wildcard configs/sweeps/*.yaml))
sweeps: setup ## run every shipped sweep (configs/sweeps/) into build/sweeps/, with pictures, page, and what binds; minutes
	@scripts/setup.sh plot
	@$(MAKE) --no-print-directory all
	@set -e; for name in $(SWEEPS); do rm -rf $(BUILD)/sweeps/$$name; \
		$(BUILD)/etchsim sweep $$name --out $(BUILD)/sweeps/$$name --sensitivity > $(BUILD)/sweeps.txt; head -3 $(BUILD)/sweeps.txt; \
		$(BUILD)/etchsim explain $(BUILD)/sweeps/$$name > $(BUILD)/sweeps/$$name/explain.txt; \
		$(BUILD)/etchsim report $(BUILD)/sweeps/$$name; done

bench: export PEER := $(PEER)
bench: export PEER_MODEL := $(PEER_MODEL)
bench: setup ## build and run the benchmarks: make bench BENCHES='kernels'
	@scripts/setup.sh systemc
	@$(MAKE) --no-print-directory all $(BUILD)/bench $(if $(SYSTEMC),$(BUILD)/systemc_bench)
	$(BUILD)/bench $(BENCHES)
	$(if $(SYSTEMC),$(if $(filter-out systemc,$(BENCHES)),,$(BUILD)/systemc_bench))

ASAN := BUILD=build/asan OPTIMISE=-O1 VARIANT='-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer'
asan: setup ## the tests under AddressSanitizer and UndefinedBehaviorSanitizer
	@scripts/setup.sh rtl systemc
	@$(MAKE) --no-print-directory $(ASAN) check

FUZZ := BUILD=build/fuzz CC=clang OPTIMISE=-O1 WERROR= \
	VARIANT='-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer'
fuzz: setup ## every fuzzer for FUZZ_SECONDS (20) each, from its corpus; a crash fails and leaves its input in build/fuzz/
	@scripts/setup.sh fuzz
	@$(MAKE) --no-print-directory $(FUZZ) $(FUZZERS:%=build/fuzz/fuzz_%)
	@set -e; for name in $(FUZZERS); do mkdir -p build/fuzz/found/$$name tests/fuzz/corpus/$$name; \
		echo "fuzz $$name: $(FUZZ_SECONDS) s"; \
		build/fuzz/fuzz_$$name -max_total_time=$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 -verbosity=0 \
			-artifact_prefix=build/fuzz/$$name- build/fuzz/found/$$name tests/fuzz/corpus/$$name; done

coverage: setup ## line coverage of the tests, per file (gcov), lowest first
	@scripts/setup.sh rtl systemc
	@$(MAKE) --no-print-directory BUILD=build/coverage OPTIMISE=-O0 CCACHE= VARIANT='--coverage -fprofile-update=atomic' check
	@cd build/coverage && find . -name '*.gcda' -not -path './obj/tests/*' -exec gcov -n -r -s $(CURDIR) {} + 2>/dev/null \
		| awk -F"[':% ]+" '/^File/ {file = $$2} /^Lines executed/ && file {printf "%6.1f %% of %5d lines  %s\n", $$3, $$5, file; file = ""}' | sort -n

# --- installing --------------------------------------------------------------------------------------------------------------------------

# What the program needs at run time goes to share/etchsim, where it is found from wherever PREFIX is; nothing but PREFIX is written into files.
PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
DESTDIR ?=
VERSION = $(shell sed -n 's/.*ETCHSIM_VERSION "\(.*\)"/\1/p' sim/version.h)
SHARE = $(DESTDIR)$(PREFIX)/share/etchsim
install: ## program, libraries, headers and pkg-config files to PREFIX (/usr/local): make install PREFIX=/opt/etchsim DESTDIR=/tmp/stage
	@scripts/setup.sh base
	@$(MAKE) --no-print-directory all
	@$(MAKE) --no-print-directory copy
copy: LIBRARIES_THERE = $(BUILD)/libetchsim.so $(SYSTEMC_LIBRARIES) $(MPI_LIBRARIES)
copy:
	install -d $(addprefix $(DESTDIR),$(PREFIX)/bin $(LIBDIR)/pkgconfig $(PREFIX)/include/etchsim) $(addprefix $(SHARE)/,scripts rtl sim doc)
	install $(BUILD)/etchsim $(DESTDIR)$(PREFIX)/bin
	for file in $(notdir $(LIBRARIES_THERE)); do install -m 644 $(BUILD)/$$file $(DESTDIR)$(LIBDIR)/$$file.0 && ln -sf $$file.0 $(DESTDIR)$(LIBDIR)/$$file; done
	install -m 644 sim/include/etchsim/*.h $(BUILD)/include/etchsim/registers.h $(DESTDIR)$(PREFIX)/include/etchsim
	sed 's|@PREFIX@|$(PREFIX)|;s|@LIBDIR@|$(LIBDIR)|;s|@VERSION@|$(VERSION)|' scripts/etchsim.pc.in >$(DESTDIR)$(LIBDIR)/pkgconfig/etchsim.pc
ifneq ($(SYSTEMC),)
	install -m 644 sim/systemc/include/etchsim/* $(BUILD)/include/etchsim/registers.hpp $(DESTDIR)$(PREFIX)/include/etchsim
	sed 's|@PREFIX@|$(PREFIX)|;s|@LIBDIR@|$(LIBDIR)|;s|@VERSION@|$(VERSION)|' scripts/etchsim-systemc.pc.in >$(DESTDIR)$(LIBDIR)/pkgconfig/etchsim-systemc.pc
endif
	cp -r configs $(EXAMPLES) $(SHARE)
	cp -r scripts/verilate.sh scripts/setup.sh scripts/plots scripts/report $(SHARE)/scripts
	cp rtl/*.v rtl/*.h rtl/*.cpp $(SHARE)/rtl
	cp sim/lora_ports.def $(SHARE)/sim
	cp docs/*.md $(SHARE)/doc

# --- style -------------------------------------------------------------------------------------------------------------------------------

lint: setup ## clang-format and clang-tidy, without changing anything
	@scripts/setup.sh lint
	clang-format --dry-run -Werror $(FORMATTED)
	@$(MAKE) --no-print-directory $(addprefix tidy/,$(SOURCES) sim/main.c $(TEST_SOURCES) $(BENCH_SOURCES) $(LOCKSTEP_SOURCES) \
		$(wildcard scripts/*.c tests/systemc/*.c tests/systemc/bench/*.c $(EXAMPLES)/*.c $(EXAMPLES)/*/*.c))

# One clang-tidy per file, so that they run side by side. Warnings of clang itself are off: gcc's, as errors, are the build's.
tidy/%: FORCE
	@clang-tidy --quiet --warnings-as-errors='*' $* -- $(filter-out -W%,$(CFLAGS_ALL)) $(TIDY_FLAGS) -DETCHSIM_COMMIT='""' -DETCHSIM_SOURCE_DIR='""' 2>/dev/null
tidy/traces/waveform.c: TIDY_FLAGS = -isystem $(FST)
tidy/%_avx2.c: TIDY_FLAGS = -mavx2 -mfma
tidy/%_avx512.c: TIDY_FLAGS = -mavx512f -mavx512bw -mavx512vl -mavx512dq -mavx512vnni -mavx512vbmi

fmt: setup ## reformat all C sources with clang-format
	@scripts/setup.sh lint
	clang-format -i $(FORMATTED)

# --- the rest ----------------------------------------------------------------------------------------------------------------------------

train: ## train the sample model again (takes long; what it makes is in configs/models/)
	scripts/train/train.sh

clean: ## remove build/
	rm -rf build

help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))
