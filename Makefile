# Two commands for everyone: `make demo` and `make test`. They need Python 3.10 or later, make and a C++ compiler.
# All paths are relative: make splits its targets at spaces, and the tree may lie in a folder that has one.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -q
MADE_FROM := pyproject.toml CMakeLists.txt README.md LICENSE \
    $(shell find csrc python -type f ! -name '*.pyc' ! -name '*.so')
WHEEL = $$(ls build/wheel/gradstep-*.whl)
# The tests of what is C++: contracts of every class, and everything that goes through the engine or calls functions.
ASAN_TESTS ?= $(wildcard $(addprefix tests/,contracts engine optimizers layers losses models many minimize sklearn cython))
# One instruction set, the widest of this processor: kernels are the same source on each.
ASAN_ISA ?= $(if $(shell grep -m 1 -o avx512vl /proc/cpuinfo),x86-64-v4,x86-64-v3)
# What AddressSanitizer finds anyway is not asked twice: it takes a tenth of the compiler's time.
SANITIZE := -fsanitize=address,undefined -fno-sanitize=null,object-size,vptr -fno-sanitize-recover=all -fno-omit-frame-pointer -O1
# A worker that has none left takes half of what another has: slow cases lie side by side.
WORKERS := -n auto --dist worksteal
library = $$(gcc -print-file-name=$1)
SANITIZED = LD_PRELOAD="$(call library,libasan.so) $(call library,libubsan.so) $(call library,libstdc++.so.6)" \
    ASAN_OPTIONS=detect_leaks=0:halt_on_error=1:malloc_context_size=3 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 PYTHONMALLOC=malloc \
    PYTHONPATH="$(CURDIR)/build/asan/site"

# What works from several threads at once.
TSAN_TESTS ?= tests/engine/test_threads.py tests/models/test_threads.py tests/models/test_changes_in_fit.py
THREADS_SANITIZED = LD_PRELOAD="$(call library,libtsan.so)" \
    TSAN_OPTIONS=ignore_noninstrumented_modules=1:halt_on_error=1 PYTHONPATH="$(CURDIR)/build/tsan/site"

.PHONY: demo test peers lint docs asan tsan cuda bench sdist-check clean
.DELETE_ON_ERROR:

demo: $(VENV)/demo
	$(BIN)/python -m gradstep demo

# All tests that need no peer, all cases. Of the benchmarks: that they run and check their results; nothing is timed.
test: $(VENV)/test
	$(BIN)/python -c "import gradstep; p = gradstep.__file__; assert 'site-packages' in p, p; print('testing', p)"
	$(BIN)/python -m pytest $(WORKERS) --extra test --benchmark-disable benchmarks tests

# The tests beside PyTorch, Keras and the other libraries of the extra; a skip is a failure.
# JAX compiles models so small for longer than it runs them, so it is to optimize little.
peers: $(VENV)/test $(VENV)/peers
	KERAS_BACKEND=torch JAX_DISABLE_MOST_OPTIMIZATIONS=1 $(BIN)/python -m pytest $(WORKERS) --extra peers tests

# After the extras of the tests: mypy looks into what they bring.
lint: $(VENV)/test $(VENV)/lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	find csrc benchmarks \( -name '*.hpp' -o -name '*.cpp' -o -name '*.cu' \) -exec $(BIN)/clang-format --dry-run -Werror {} +
	$(BIN)/mypy

# The documentation, in build/docs. Warnings are errors; links within it, its reference and its search are checked.
# Nothing comes over the network; GRADSTEP_DOCS_INTERSPHINX=1 makes links to NumPy, SciPy and others.
docs: $(VENV)/docs
	MPLBACKEND=Agg $(BIN)/python -m sphinx -q -W --keep-going -j 2 -d build/doctrees docs build/docs
	$(BIN)/python docs/check_site.py build/docs

# The C++ and the bindings under AddressSanitizer and UndefinedBehaviorSanitizer, asserts on; the first report ends the run.
# libstdc++ is preloaded too: without it the sanitizer does not find the C++ exceptions of a late library.
# The build has the loops for GPUs, on the CPU (GRADSTEP_CUDA=HOST), whose tests `make test` skips: here all of them run.
# It is there for each kernel, job and binding: two cases of each test, and more until every optimizer, layer or loss that
# several tests have is in one (tests/support/sampling.py). `make test` has all the cases, those that are slow or about
# time (signals in the midst of large products), and those with fork(): before GCC 14 the sanitizer's own locks do not
# survive it.
asan: $(VENV)/test build/asan/installed
	$(SANITIZED) $(BIN)/python -c "import gradstep; p = gradstep.__file__; assert 'asan' in p, p; print('testing', p)"
	$(SANITIZED) $(BIN)/python -m pytest $(WORKERS) -k "not fork" -m "not slow and not acceptance" --extra test --most 2 $(ASAN_TESTS)

# Threads of ours and of Python's, under ThreadSanitizer. Python, NumPy and libgomp are not built for it: what they do among
# themselves is not looked at.
tsan: $(VENV)/test build/tsan/installed
	$(THREADS_SANITIZED) $(BIN)/python -c "import gradstep; p = gradstep.__file__; assert 'tsan' in p, p; print('testing', p)"
	$(THREADS_SANITIZED) $(BIN)/python -m pytest -n 0 -m "not slow and not acceptance" $(TSAN_TESTS)

# The code for GPUs, compiled with NVIDIA's compiler from pip, and not run.
cuda: $(VENV)/bin/python
	.ci/cuda_check "$(BIN)/python" build/cuda

bench: $(VENV)/bench
	$(BIN)/python benchmarks/run.py

# The sdist must hold all it takes: a wheel is built from it alone, and must be small, need only NumPy, and work elsewhere.
# It is the wheel for the commands that follow, as it was made from the same files.
sdist-check: $(VENV)/bin/python
	.ci/sdist_check "$(BIN)/python" build/wheel
	touch build/wheel/built

clean:
	rm -rf build dist $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .benchmarks

$(VENV)/bin/python:
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 10))" || \
	  { echo "gradstep needs Python 3.10 or later; PYTHON=$(PYTHON) is not. Try: make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)

# One wheel serves demo, test and bench; each stamp only adds what its command needs.
build/wheel/built: $(MADE_FROM) | $(VENV)/bin/python
	rm -rf build/wheel && mkdir -p build/wheel
	$(PIP) wheel --no-deps -w build/wheel .
	touch $@

$(VENV)/installed: build/wheel/built
	$(PIP) install --no-deps --force-reinstall "$(WHEEL)"
	touch $@

# Bytecode comes with the first import of a module: compiling all of PyTorch's and JAX's takes longer than unpacking them.
$(VENV)/demo $(VENV)/test $(VENV)/peers $(VENV)/lint $(VENV)/docs $(VENV)/bench: $(VENV)/%: $(VENV)/installed
	$(PIP) install --no-compile "$(WHEEL)[$*]"
	touch $@

$(VENV)/peers: | $(VENV)/test  # with -j too, one pip at a time

# `--config-settings` in full: its short form came with pip 23.1.
build/asan/installed: $(MADE_FROM) | $(VENV)/bin/python
	rm -rf build/asan/site build/asan/wheel && mkdir -p build/asan
	CFLAGS="$(SANITIZE)" CXXFLAGS="$(SANITIZE)" $(PIP) wheel --no-deps -w build/asan/wheel \
	  $(addprefix --config-settings=,build-dir=build/asan/cmake cmake.build-type=Debug \
	    cmake.define.CMAKE_CXX_FLAGS_DEBUG=-g1 cmake.define.GRADSTEP_ISAS=$(ASAN_ISA) cmake.define.GRADSTEP_CUDA=HOST install.strip=false) .
	$(PIP) install --no-deps --target build/asan/site build/asan/wheel/gradstep-*.whl
	touch $@

build/tsan/installed: $(MADE_FROM) | $(VENV)/bin/python
	rm -rf build/tsan/site build/tsan/wheel && mkdir -p build/tsan
	CFLAGS="-fsanitize=thread -O1" CXXFLAGS="-fsanitize=thread -fno-omit-frame-pointer -O1" \
	  $(PIP) wheel --no-deps -w build/tsan/wheel \
	  $(addprefix --config-settings=,build-dir=build/tsan/cmake cmake.build-type=Debug \
	    cmake.define.CMAKE_CXX_FLAGS_DEBUG=-g1 cmake.define.GRADSTEP_ISAS=x86-64-v2 cmake.define.GRADSTEP_LTO=OFF \
	    install.strip=false) .
	$(PIP) install --no-deps --target build/tsan/site build/tsan/wheel/gradstep-*.whl
	touch $@
