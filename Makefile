# PercepNet for ARM. `make help` lists the words; `make` does everything for this machine,
# `make target=arm64` for a phone, emulated. What is up to date is not made again.

target = host#           a file in targets/: host, arm64, armv7, wasm
testset = embedded#      or a folder with noisy/ and clean/
model = small#           a file in reference/models/
prefix = build/install#  where `make install` puts the library
systems =#               of eval/systems.toml to score beside ours: "pyrnnoise webrtc-noise-gain"
scheduler =#             tcp://host:port of a dask cluster to score on; else this machine's cores
strict =#                1: no set when a clip has a fault
postfilter = 1#         0: a library without the code of the envelope postfilter (docs/patents.md)
name = mine#             of the model that `make train` leaves in reference/models
minutes = 60#            of training or fuzzing, with speech=DIR noise=DIR [rir=DIR] or index=FILE

PYTHON = .venv/bin/python
PATHS := testset prefix index speech noise rir DFN3
NAMES := target model postfilter systems scheduler strict name minutes full

# What is given is taken letter by letter: make expands none of it. Paths reach recipes through the
# environment alone ("$$testset"), so no letter of them is run; names are refused if one is odd.
$(foreach given,$(PATHS) $(NAMES),$(eval override $(given) := $$(value $(given))))
$(foreach given,$(NAMES),$(eval override $(given) := $$(strip $$($(given)))))
export $(PATHS)
quoted = '$(subst ','\'',$(1))'
ifneq ($(shell case $(call quoted,$(foreach given,$(NAMES),$($(given)))) in (*[!][A-Za-z0-9._:/\ -]*) echo odd;; esac),)
$(error names hold letters, digits, . _ - : / alone; found $(foreach given,$(NAMES),$(if $($(given)),$(given)=$($(given)))))
endif
SOURCES = $(foreach kind,index speech noise rir,$${$(kind):+--$(kind) "$$$(kind)"})
CPUS := $(shell nproc 2>/dev/null || echo 2)
MAKEFLAGS += --no-builtin-rules --jobs=$(CPUS)
STAMPS := build/stamps
# The name of the set in build/ is that of its folder; what make or a shell could read in it becomes
# _, and its checksum tells it from others.
SET := $(shell name=$$(CDPATH= cd -- $(call quoted,$(testset)) 2>/dev/null && pwd || printf %s $(call quoted,$(testset))); \
    name=$$(basename -- "$$name"); safe=$$(printf %s "$$name" | LC_ALL=C tr -c 'A-Za-z0-9._-' _); \
    test "$$safe" = "$$name" || safe=$$safe-$$(printf %s "$$name" | cksum | cut -d ' ' -f 1); echo "$$safe")
REPORT := build/report$(patsubst %,/%,$(filter-out embedded,$(SET)))
# The host is always built and checked too: its output is the third witness beside twin and target.
TARGETS := $(sort host $(target))

ifeq ($(wildcard targets/$(strip $(target)).toml),)
$(error target $(target) found; one of $(basename $(notdir $(wildcard targets/*.toml))) is needed)
endif
# Words whose results hold or need the postfilter.
WITH_POSTFILTER := $(filter $(full:%=check) matrix demo npm wheel prove fuzz mutants vectors wmops weaknesses,$(MAKECMDGOALS))
ifneq ($(postfilter)$(if $(filter 0,$(postfilter)),$(WITH_POSTFILTER)),$(filter 0 1,$(postfilter)))
$(error postfilter=$(postfilter) found; 0 or 1 is needed, and 1 for $(or $(WITH_POSTFILTER),matrix, demo, npm, wheel, prove, fuzz, mutants))
endif
OUTSIDE := $(shell sed -n 's/^\[\([^]]*\)\].*/\1/p' eval/systems.toml)
ifneq ($(filter-out $(OUTSIDE),$(systems)),)
$(error systems=$(filter-out $(OUTSIDE),$(systems)) found; eval/systems.toml has $(OUTSIDE))
endif
ALL_TARGETS := $(basename $(notdir $(wildcard targets/*.toml)))
ON_DEMAND := $(basename $(notdir $(shell grep -l '^on_demand = true' targets/*.toml)))
# Whose compilers and emulator set-up looks after: the test suite builds for all but those on demand;
# full adds clang.
NEEDED := $(if $(full)$(filter test,$(MAKECMDGOALS)),$(filter-out $(ON_DEMAND),$(ALL_TARGETS)),$(strip $(target))) $(full:%=full) \
    $(filter cycles plugins,$(MAKECMDGOALS)) $(if $(filter npm demo,$(MAKECMDGOALS)),wasm) $(if $(filter wmops,$(MAKECMDGOALS)),armv7 full) $(filter prove,$(MAKECMDGOALS))
SYSTEM := $(STAMPS)/system-$(subst $() ,-,$(strip $(NEEDED)))

# Words that leave results: asked for together, `baseline` and `publish` wait for them.
MEASURED := $(filter ladder parts trials weaknesses cost counts,$(MAKECMDGOALS))
MODELS := $(basename $(notdir $(wildcard reference/models/*.safetensors)))
REFERENCE := $(wildcard reference/*.py) reference/models/$(strip $(model)).safetensors
CODEGEN := $(shell find codegen -name '*.py' -o -name '*.j2')
HARNESS := $(wildcard targets/harness/*.[ch]) targets/build.py targets/shared.py targets/target.py
BY_HAND := $(shell find targets tests fuzz -name '*.[ch]' -not -path '*/golden/*')
SCORING := $(wildcard eval/*.py eval/metrics/*.py)
COUNTING := $(addprefix targets/,$(addsuffix .py,count baseline footprint settings realtime)) \
    targets/harness/count_plugin.c
CHECKS := $(TARGETS:%=$(STAMPS)/check-%-$(SET))

define keep_counts
@$(MAKE) --no-print-directory $(if $(shell grep '^\[cycles\]' targets/$(1).toml),cycles,bench) target=$(1) model=$(2)
@$(PYTHON) -m targets.baseline $(1)

endef

all: report

help: ## this list
	@echo "make [word] [target=$(target)] [testset=$(testset)] [model=$(model)]; no word: all of it"
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  \1\t\2/p' Makefile | expand -t 14
	@echo "targets: $(basename $(notdir $(wildcard targets/*.toml)))"

setup: .venv/core ## virtual environment, compilers and emulator
sets: build/sets/$(SET)/set.json ## the test set as 48 kHz clips in build/sets
reference: $(STAMPS)/float-$(SET) ## enhance the set with the float reference
plan: $(target:%=build/%/gen/plan.json) ## settle every Q format, shift and bound: plan.json
gen: $(target:%=build/%/gen/plan.json) ## plan, and generate the C from it
build: $(TARGETS:%=build/%/percepnet) ## compile library and command, check what they contain
twin: $(STAMPS)/twin-$(SET) ## enhance the set with the integer twin
check: $(CHECKS) $(full:%=matrix) ## equal to the twin, sample by sample; full=1: every compiler and level
bench: $(TARGETS:%=$(STAMPS)/bench-%) ## count instructions, measure memory; time of host and wasm
counts: ## bench of every model on every target that is counted, kept in eval/baseline
	$(foreach m,$(MODELS),$(foreach t,arm64 armv7,$(call keep_counts,$(t),$(m))))
	$(foreach t,$(ON_DEMAND),$(call keep_counts,$(t),tiny))
cycles: bench ## estimate cycles, time and share of a core of this target by llvm-mca (LLVM 19)
	@$(PYTHON) -m targets.cycles $(target)
wmops: build/armv7/gen/plan.json ## weighted operations of the plain C as ITU-T G.191 weighs them
	@$(PYTHON) -m targets.wmops
score: build/score/$(SET).csv ## every measure of every system; systems="…" adds outside ones
	@$(PYTHON) -m eval.score --set build/sets/$(SET) --read
baseline: build/score/$(SET).csv | $(MEASURED) ## keep scores, and what else was measured of model and set: eval/baseline
	@$(PYTHON) -m pages.store --set build/sets/$(SET) --model $(model)
publish: .venv/core | $(MEASURED) $(filter baseline,$(MAKECMDGOALS)) ## write every table in README, docs/ and the model cards anew, from eval/baseline
	@$(PYTHON) -m pages
ladder: build/studies/ladder-$(SET).json ## what each step is worth with true values: the oracle ladder
parts: build/studies/parts-$(model)-$(SET).json ## pitch filter or postfilter left out, gains or strengths true: what each is worth
trials: $(addprefix build/studies/,trials-$(model)-$(SET).json cases-$(model)-$(SET).json) ## clean speech, noise alone, other levels, words after resets and rests, vowels, whisper, DC
weaknesses: build/weaknesses/SHA256SUMS ## hard cases, to hear and in figures: docs/audio/weak
	@$(MAKE) --no-print-directory check testset=build/weaknesses model=$(model)
	@$(PYTHON) -m eval.systems host-postfilter host-12db --set build/sets/weaknesses
	@$(PYTHON) -m eval.score --set build/sets/weaknesses --systems twin host-postfilter host-12db
	@$(PYTHON) -m eval.weaknesses measure --model $(model)
cost: $(STAMPS)/cost-$(SET) ## what each step to integers costs in quality
vectors: $(STAMPS)/vectors ## inputs, signals of every stage and outputs, to port by hand: build/vectors
dist: $(target:%=build/%/gen/plan.json) ## source package of the generated C: build/TARGET/percepnet-….tar.gz
	@$(PYTHON) -m targets.dist $(target)
install: $(target:%=build/%/gen/plan.json) ## library, header, pkg-config and CMake files to prefix=DIR
	@$(PYTHON) -m targets.dist $(target) --install "$$prefix"
demo: .venv/core ## page to hear it in a browser, for any server of files: build/demo
	@$(PYTHON) -m targets.web.demo
npm: .venv/core ## package for browsers and node, WebAssembly of every model: build/npm
	@$(PYTHON) -m targets.web.npm
plugins: $(target:%=build/%/percepnet) ## LADSPA, LV2, filter chain for PipeWire: build/TARGET/plugins
	@$(PYTHON) -m targets.plugins.build $(target)
wheel: .venv/wheel ## Python package of every model for this machine: build/wheel
	@$(PYTHON) -m targets.wheel
docs: .venv/docs ## the pages of docs/ as a site: build/site
	@NO_MKDOCS_2_WARNING=1 $(PYTHON) -m mkdocs build --quiet --strict
report: build/score/$(SET).csv bench ## tables, plots, spectrograms, audio: build/report/index.html
	@$(PYTHON) -m eval.report --sets $(SET) --out $(REPORT)

test: .venv/test .venv/wasm ## the test suite
	$(PYTHON) -m pytest -n $(CPUS) --dist loadgroup -q -rs

prove: .venv/prove $(target:%=build/%/gen/plan.json) ## no input makes the C overflow or leave its memory: table in build/proof/proof.md
	@$(PYTHON) -m proof --gen build/$(strip $(target))/gen --document build/proof/proof.md

fuzz: .venv/core ## hostile calls, WAV files and rates under sanitizers: minutes=10, all models
	@$(PYTHON) -m fuzz --minutes $(minutes)

mutants: .venv/test ## plant small faults by seed: which of them do the tests find? mutants/results.json
	@$(PYTHON) -m mutants

lock: .venv/core ## lock the newest packages that fit, with their hashes: requirements/
	@$(call requirements,lock)
	@$(PIP) -r .venv/lock.txt
	@$(LOCK) --extra test --extra wasm pyproject.toml --output-file requirements/test.txt
	@$(LOCK) --constraints requirements/test.txt pyproject.toml --output-file requirements/core.txt

lint: .venv/test ## ruff over the Python code, clang-format over the C written by hand
	$(PYTHON) -m ruff check .
	.venv/bin/clang-format --dry-run --Werror $(BY_HAND)

train: .venv/train ## train a network: speech=DIR noise=DIR [rir=DIR] [minutes=60] [name=mine]; resumes
	$(PYTHON) -m training.train --model $(model) --out build/train \
	    --minutes $(minutes) $(SOURCES)
	$(PYTHON) -m training.export --run build/train/$(strip $(model)) --name $(name) $(if $(filter mine,$(name)),--replace) $(SOURCES)

clean: ## remove build/, but no training run (the virtual environment stays)
	@test ! -d build || find build -mindepth 1 -maxdepth 1 ! -name train -exec rm -rf {} +

# ---- set-up: once, and again when what it reads changes ----

$(SYSTEM): targets/setup.sh $(wildcard targets/*.toml)
	@targets/setup.sh $(NEEDED)
	@mkdir -p $(@D) && touch $@

# What the two commands need is locked: every package by version and SHA-256 in requirements/.
# The rest goes by the ranges of pyproject.toml: $(call requirements,NAME), the name of an extra.
# The modules themselves run from this folder and are not installed.
requirements = $(PYTHON) -c 'import tomllib; p = tomllib.load(open("pyproject.toml", "rb"))["project"]; \
    print(*p["optional-dependencies"]["$(1)"], sep="\n")' > .venv/$(1).txt
PIP = $(PYTHON) -m pip install --quiet --disable-pip-version-check

LOCK = .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --upgrade \
    --no-annotate --custom-compile-command 'make lock'

.venv/core: requirements/core.txt | $(SYSTEM)
	@echo "== setup: Python packages"
	@test -x $(PYTHON) || python3 -m venv .venv
	@$(PIP) --require-hashes -r $<
	@touch $@

.venv/wheel .venv/docs .venv/prove .venv/wasm: .venv/%: pyproject.toml | .venv/core
	@$(call requirements,$*)
	@$(PIP) -r .venv/$*.txt
	@touch $@

.venv/test: requirements/test.txt | .venv/torch
	@echo "== setup: Python packages for the tests"
	@$(PIP) --require-hashes -r $<
	@touch $@

# The CPU build of torch is a tenth of the usual one; tests and training need no more. Where the
# index of these builds cannot be reached the usual one must do. So there is no one hash of it.
.venv/torch: pyproject.toml | .venv/core
	@echo "== setup: torch"
	@$(call requirements,torch)
	@$(PIP) --retries 0 --timeout 10 --index-url https://download.pytorch.org/whl/cpu -r .venv/torch.txt 2>/dev/null || \
	    $(PIP) -r .venv/torch.txt
	@touch $@

.venv/train: .venv/%: pyproject.toml | .venv/torch
	@echo "== setup: Python packages for $*"
	@$(call requirements,$*)
	@$(PIP) -r .venv/$*.txt
	@touch $@

build/wasm/percepnet: | .venv/wasm

.venv/peers .venv/dnsmos .venv/dfn3: .venv/%: pyproject.toml | .venv/core
	@echo "== setup: Python packages for $*"
	@$(call requirements,$*)
	@$(PIP) -r .venv/$*.txt
	@touch $@

# ---- the chain ----

# Files that change when a variable does, so that what depends on it is made again.
build/values/model: FORCE
	@mkdir -p $(@D); echo '$(strip $(model))' | cmp -s - $@ || echo '$(strip $(model))' > $@
build/values/postfilter: FORCE
	@mkdir -p $(@D); echo '$(postfilter)' | cmp -s - $@ || echo '$(postfilter)' > $@
build/values/systems: FORCE
	@mkdir -p $(@D); echo '$(systems)' | cmp -s - $@ || echo '$(systems)' > $@

# Python looks whether the set has changed, by its contents, and else leaves it as it is: names of
# its files are no words of make.
build/sets/$(SET)/set.json: eval/testset.py eval/pairs.py eval/mixing.py FORCE | .venv/core
	@$(PYTHON) -m eval.testset prepare --name $(SET) --out build/sets $(strict:%=--strict) -- "$$testset"

$(STAMPS)/float-$(SET): build/sets/$(SET)/set.json build/values/model $(REFERENCE)
	@echo "== float reference: $(SET)"
	@$(PYTHON) -m reference.suppressor --set build/sets/$(SET) --out build/out/float/$(SET) --model $(model)
	@touch $@

$(ALL_TARGETS:%=build/%/gen/plan.json): build/%/gen/plan.json: build/values/model build/values/postfilter $(REFERENCE) $(CODEGEN) | .venv/core
	@echo "== plan and C: $*"
	@$(PYTHON) -m codegen.render --model $(model) --out build/$*/gen $(if $(filter 0,$(postfilter)),--no-postfilter)
	@touch $@

$(TARGETS:%=build/%/percepnet): build/%/percepnet: build/%/gen/plan.json targets/%.toml $(HARNESS)
	@echo "== build: $*"
	@$(PYTHON) -m targets.build $*

$(STAMPS)/twin-$(SET): build/sets/$(SET)/set.json build/values/model $(REFERENCE) $(CODEGEN)
	@echo "== integer twin: $(SET)"
	@$(PYTHON) -m codegen.twin --set build/sets/$(SET) --out build/out/twin/$(SET) --model $(model) --jobs $(CPUS)
	@touch $@

$(CHECKS): $(STAMPS)/check-%-$(SET): build/%/percepnet $(STAMPS)/twin-$(SET) targets/run.py targets/diff.py targets/variants.py
	@echo "== check: $*"
	@$(PYTHON) -m targets.run $* --set build/sets/$(SET)
	@touch $@

# Always run when asked for: it takes minutes and its table is the proof.
matrix: $(patsubst %,build/%/gen/plan.json,$(filter-out $(ON_DEMAND),$(ALL_TARGETS)))
	@echo "== check: every compiler, level and target"
	@$(PYTHON) -m targets.matrix

# What is counted is the same for every set, so another set counts nothing again.
$(TARGETS:%=$(STAMPS)/bench-%): $(STAMPS)/bench-%: build/%/percepnet $(COUNTING) | $(STAMPS)/check-%-$(SET)
	@echo "== count: $*"
	@$(PYTHON) -m targets.count $* --set build/sets/$(SET)
	@$(PYTHON) -m targets.realtime $*
	@touch $@

# Outside systems, and ours with other options, which run the command of the host.
$(STAMPS)/run-%-$(SET): build/sets/$(SET)/set.json build/host/percepnet \
    eval/systems.toml $(SCORING) | .venv/peers
	@echo "== system: $*"
	@$(PYTHON) -m eval.systems $* --set build/sets/$(SET) --workers $(CPUS)
	@touch $@

$(STAMPS)/run-dfn3-$(SET): eval/deepfilter.py | .venv/dfn3

# 3: clips could not be scored. The table names them, the report is written, and then it fails.
build/score/$(SET).csv: $(STAMPS)/float-$(SET) $(CHECKS) $(systems:%=$(STAMPS)/run-%-$(SET)) \
    build/values/systems $(SCORING) | $(if $(systems),.venv/dnsmos)
	@echo "== score: $(SET)"
	@$(PYTHON) -m eval.score --set build/sets/$(SET) --systems float twin $(TARGETS) $(systems) \
	    --workers $(CPUS) $(scheduler:%=--scheduler %) || test $$? = 3
	@touch $@

STUDY_SOURCES = build/sets/$(SET)/set.json build/values/model $(REFERENCE) $(wildcard studies/*.py) $(SCORING)
build/studies/ladder-$(SET).json: $(STUDY_SOURCES)
	@echo "== ladder: $(SET)"
	@$(PYTHON) -m studies ladder --set build/sets/$(SET)
build/studies/cases-$(model)-$(SET).json: $(STUDY_SOURCES) | .venv/peers
	@echo "== cases: $(SET)"
	@$(PYTHON) -m studies.cases --set build/sets/$(SET) --weights reference/models/$(model).safetensors --out $@
build/studies/%-$(model)-$(SET).json: $(STUDY_SOURCES)
	@echo "== $*: $(SET)"
	@$(PYTHON) -m studies $* --set build/sets/$(SET) --model $(model)

build/weaknesses/SHA256SUMS: $(SCORING) eval/embedded/noises.py eval/embedded/SHA256SUMS | .venv/core
	@$(PYTHON) -m eval.weaknesses make build/weaknesses

STEPS = signal weights activations
$(STEPS:%=$(STAMPS)/step-%-$(SET)): $(STAMPS)/step-%-$(SET): build/sets/$(SET)/set.json build/values/model $(REFERENCE) $(CODEGEN)
	@echo "== step to integers: $*"
	@$(PYTHON) -m codegen.steps $* --set build/sets/$(SET) --out build/out/step-$*/$(SET) --model $(model) --jobs $(CPUS)
	@touch $@

$(STAMPS)/cost-$(SET): $(STAMPS)/float-$(SET) $(STAMPS)/twin-$(SET) $(STEPS:%=$(STAMPS)/step-%-$(SET)) $(SCORING)
	@echo "== cost of integers: $(SET)"
	@$(PYTHON) -m eval.cost --set build/sets/$(SET) --model $(model)
	@touch $@

$(STAMPS)/vectors: build/values/model $(REFERENCE) $(CODEGEN) targets/vectors.py reference/signals.py | .venv/core
	@echo "== test vectors"
	@$(PYTHON) -m targets.vectors --model $(model) --out build/vectors
	@mkdir -p $(@D); touch $@

reference/models/%.safetensors:
	@echo "model $*: $@ is missing; 'make train name=$*' trains one" >&2; exit 2

FORCE:
.PHONY: all help setup sets reference plan gen build twin check bench counts cycles wmops score baseline publish ladder parts trials weaknesses cost vectors dist install demo npm plugins wheel docs report test prove fuzz mutants lock lint train clean matrix FORCE
.DELETE_ON_ERROR:
