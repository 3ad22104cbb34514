# For teachers: the tools live in .venv-teach, which the first of these commands fills.
#   teach    the tests of all that is here           quizzes  the questions, for Moodle and Canvas
TEACH_VENV ?= .venv-teach
TEACH := $(TEACH_VENV)/bin/python
TEACH_READY := $(TEACH_VENV)/ready
.PHONY: teach quizzes
teach: $(TEACH_READY) ; scripts/browser && $(TEACH) -m pytest -q -n 2 --dist loadfile tests/teach
quizzes: $(READY) ; $(PY) scripts/export_quizzes.py
$(TEACH_READY): $(READY) requirements-teach.txt ; scripts/venv_teach $(TEACH_VENV) $(VENV)
