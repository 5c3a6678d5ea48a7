# make demo | test | build ... on a bare Debian 12; `make help` lists the targets.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := build
.NOTPARALLEL:

JOBS ?= $(shell nproc)
WERROR ?= OFF
PREFIX ?= /usr/local
DEMO_FLAGS ?=
PERFORMANCE_FLAGS ?=
FUZZ_SECONDS ?= 60
CCACHE := $(shell command -v ccache)
CONFIGURE = cmake --log-level=WARNING -DCMAKE_CXX_COMPILER_LAUNCHER=$(CCACHE) -DAVOCADO_WERROR=$(WERROR) --preset
NINJA = cmake --build

.PHONY: help deps configure build demo test bench performance fuzz lint test-all install clean format

help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-11s %s\n", $$1, $$2}' Makefile

deps:
	@scripts/install_deps.sh build

configure: deps
	@$(CONFIGURE) release >/dev/null

build: configure ## the program, at build/bin/avocado
	@$(NINJA) build -j $(JOBS) --target avocado

demo: build ## train a small Llama and ask it questions
	@build/bin/avocado demo --out build/avocado-demo.gguf $(DEMO_FLAGS)

test: configure ## build and run all tests but the slow ones
	@$(NINJA) build -j $(JOBS)
	@scripts/run_tests.sh build

bench: configure ## kernels, training and inference, as shares of the machine's peak
	@$(NINJA) build -j $(JOBS) --target benchmarks
	@scripts/bench.sh

performance: configure ## measure beside llama.cpp, write docs/performance.md (PERFORMANCE_FLAGS)
	@$(NINJA) build -j $(JOBS) --target avocado benchmarks
	@bench/compare.py $(PERFORMANCE_FLAGS)
	@bench/performance.py

test-all: test ## also slow tests, sanitizers, Clang, portable, Arm, fuzzing
	@scripts/test_all.sh

lint: deps ## format, include direction, sizes, Clang's warnings, clang-tidy
	@scripts/install_deps.sh lint
	@scripts/lint.sh

format: ## format all C++ files in place
	@scripts/install_deps.sh lint
	@find include src tests bench -name '*.h' -o -name '*.cc' | xargs clang-format-14 -i

fuzz: deps ## fuzz every parser for FUZZ_SECONDS each (60)
	@scripts/install_deps.sh fuzz
	@scripts/fuzz.sh $(FUZZ_SECONDS)

install: configure ## program, library, headers, man page, completions (PREFIX, DESTDIR)
	@$(NINJA) build -j $(JOBS)
	@cmake --install build --prefix $(PREFIX) >/dev/null
	@[ -n "$(DESTDIR)" ] || [ "$$(id -u)" -ne 0 ] || ldconfig
	@echo "installed to $(DESTDIR)$(PREFIX)"

clean: ## remove everything built
	@rm -rf build out
