# Two commands: `make demo` and `make test`. Both set everything up in .venv on their first run.
PYTHON ?= python3.11
BIN := .venv/bin
CORES ?= all
SNAKEMAKE := $(BIN)/snakemake --cores $(CORES)
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
# pip compiles modules on one core and those of other packages' tests as well, which takes as long as the rest of an
# installation. Compiled they must be: where Python may not write bytecode, every job would compile them again (5 s).
# What cannot be compiled (a file of torch in the syntax of a newer Python) is left as it is.
COMPILE := $(BIN)/python -m compileall -q -j 0 -x /tests/ .venv/lib src >/dev/null || true

.PHONY: demo plan test test-slurm test-view evaluate train transfer calibrate experiment benchmark benchmark-peers benchmark-quantify benchmark-track benchmark-score benchmark-scale benchmark-jobs soak pictures config watch lint clean help

help:            ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST)

.venv/.stamp: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(INSTALL) --no-compile -e '.[dev]'
	$(COMPILE)
	touch $@

demo: .venv/.stamp   ## run the whole pipeline on the embedded acquisitions
	$(SNAKEMAKE)
	$(SNAKEMAKE) --report results/report.html
	@$(BIN)/python scripts/announce.py results

plan: .venv/.stamp   ## what would run and why; ONLY=plate_a,plate_b or ONLY='plate_*', ARGS='--until track' narrow it
	@$(BIN)/python scripts/plan.py $(ARGS) $(if $(ONLY),--config 'only=$(ONLY)')

# Tests of a file stay together until a process has nothing left to do: what a file prepares is prepared once.
test: .venv/.stamp   ## everything that must hold
	$(MAKE) --no-print-directory lint
	$(BIN)/python -m pytest -q -n auto --dist worksteal

LENSFREE_SLURM ?= if possible

# One installation for both, so that they can run side by side: Slurm mostly waits.
.venv/.beside: .venv/.stamp
	$(INSTALL) -e '.[slurm,view]'
	touch $@

test-slurm: .venv/.beside   ## the workflow on a Slurm brought up here: root, and apt-get install slurm-wlm munge
	LENSFREE_SLURM="$(LENSFREE_SLURM)" $(BIN)/python -m pytest -q --durations=6 tests/workflow/test_slurm.py

LENSFREE_WINDOW ?= if possible

test-view: .venv/.beside   ## the viewer in a window that no one sees: needs the packages that .ci/run installs for it
	LENSFREE_WINDOW="$(LENSFREE_WINDOW)" $(BIN)/python -m pytest -q -rs tests/view/test_window.py

AREAS := recon quant error track score score_movie

evaluate: .venv/.stamp   ## measure accuracy on held-out seeds; ONLY=recon|quant|error|track|score|score_movie for one area
	$(if $(filter score,$(or $(ONLY),$(AREAS))),$(INSTALL) -e '.[peers]')
	$(SNAKEMAKE) $(patsubst %,results/evaluation/%.json,$(or $(ONLY),$(AREAS)))
	$(BIN)/python scripts/accuracy.py results/evaluation docs

train: .venv/.stamp   ## train the shipped networks and the detector again from simulated data
	$(SNAKEMAKE) train

OWN_VERDICT := results/models/quantify_own.verdict.json

transfer: .venv/.stamp   ## train quantify on own acquisitions (transfer_quantify.acquisitions); better or not
	$(SNAKEMAKE) $(OWN_VERDICT)
	@$(BIN)/python scripts/verdict.py $(OWN_VERDICT)

calibrate: .venv/.stamp   ## calibrate the standard error of dry mass for the configured models
	$(SNAKEMAKE) results/models/standard_error.json
	cp results/models/standard_error.json models/standard_error.json

EXPERIMENTS := one two three

experiment: .venv/.stamp   ## the experiments of StArDusTS on the data sets of the section experiment; ONLY=one|two|three
	$(SNAKEMAKE) $(patsubst %,results/experiments/%.json,$(or $(ONLY),$(EXPERIMENTS)))

benchmark: .venv/.stamp   ## speed and memory into docs/benchmarks.md
	$(BIN)/python benchmarks/descent.py
	$(BIN)/python benchmarks/frame.py
	$(BIN)/python benchmarks/gpu.py

benchmark-peers: .venv/.stamp   ## other packages beside lensfree into docs/peers.md; installs the extra peers
	$(INSTALL) -e '.[peers]'
	$(BIN)/python benchmarks/peers.py
	$(BIN)/python benchmarks/peer_figure.py

benchmark-quantify: .venv/.stamp   ## other ways to quantify beside the shipped one, and its speed; installs the extra peers
	$(INSTALL) -e '.[peers]'
	$(BIN)/python benchmarks/quantification.py
	$(BIN)/python benchmarks/quantification_speed.py

BTRACK := results/benchmarks/btrack

benchmark-track: .venv/.stamp   ## other trackers on the same detections into docs/tracking.md; installs the extra peers
	$(INSTALL) -e '.[peers]'
	$(PYTHON) -m venv $(BTRACK)
	$(BTRACK)/bin/python -m pip install --quiet --disable-pip-version-check -r benchmarks/btrack.txt
	$(BIN)/python benchmarks/tracking.py --sets 1k 3k 1k_35pg 3k_35pg
	$(BIN)/python benchmarks/tracking.py --sets 10k 10k_35pg --seeds 1
	$(BIN)/python benchmarks/tracking_scale.py
	$(BIN)/python benchmarks/tracking_held_out.py
	$(BIN)/python benchmarks/scaling.py

benchmark-score: .venv/.stamp   ## training and scoring of histories: seconds and memory into docs/benchmarks.md
	$(BIN)/python benchmarks/scoring.py

benchmark-scale: .venv/.stamp   ## planning, job starts and disk of `make demo` into docs/benchmarks.md; docs/scaling.md
	$(BIN)/python benchmarks/graph.py
	$(BIN)/python benchmarks/storage.py results/culture sizes "acquisition of make demo, synthetic, 216 frames of 320 x 384"
	$(BIN)/python benchmarks/scaling.py

benchmark-jobs: .venv/.stamp   ## what the job of each stage takes beside what it asks for: docs/resources.md
	$(BIN)/python benchmarks/job_memory.py

soak: .venv/.stamp   ## kill jobs, damage files, fill the disk: what comes of it into docs/reliability.md
	$(BIN)/python benchmarks/soak.py

pictures: .venv/.stamp   ## the report's pages of synthetic cultures as pictures into docs; needs chromium
	$(BIN)/python benchmarks/report_pages.py

watch:           ## how far the jobs of a running workflow are: frames done, frames/s, time left; Ctrl-C ends it
	@$(BIN)/python scripts/watch.py logs 10

config: .venv/.stamp   ## write config.yaml, workflow/schemas and docs/reference from what src/lensfree says
	$(BIN)/python -m lensfree.generate

lint: .venv/.stamp   ## style, types, workflow
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/snakemake --lint

clean:           ## remove results and logs; .venv stays
	rm -rf results logs
