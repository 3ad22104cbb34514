# For teachers: the tools live in .venv-teach, which the first of these commands fills.
#   teach    the tests of all that is here           quizzes  the questions, for Moodle and Canvas
#   labs     the graded labs: notebooks, solutions, tests for Gradescope; LAB=A makes one of them
#   course   writes course.yml wherever it counts    fork-check  is every address this copy's own?
#   grade    marks for LAB=A SUBMISSIONS=folder, with ROSTER=file.csv JOBS=2 if you like
#   sandbox  installs or looks for bubblewrap, in which submissions are graded
#   slides   a deck for each chapter; NB=07 makes one  handouts  the decks, with PDFs to hand out
TEACH_VENV ?= .venv-teach
TEACH := $(TEACH_VENV)/bin/python
TEACH_READY := $(TEACH_VENV)/ready
.PHONY: teach quizzes labs course fork-check grade sandbox slides handouts
teach: $(TEACH_READY) ; scripts/browser && scripts/bubblewrap && $(TEACH) -m pytest -q -n 2 --dist loadfile tests/teach
course: sync ; $(PY) scripts/course.py
fork-check: $(READY) ; $(PY) scripts/fork_check.py
slides: $(READY) ; $(PY) scripts/make_slides.py $(NB)
handouts: $(READY) ; scripts/browser && $(PY) scripts/make_slides.py --handouts $(NB)
quizzes: $(READY) ; $(PY) scripts/export_quizzes.py
labs: $(TEACH_READY) ; $(TEACH) scripts/make_labs.py $(LAB)
grade: $(TEACH_READY) ; @$(TEACH) scripts/grade.py "$(LAB)" "$(SUBMISSIONS)" $(if $(ROSTER),--roster "$(ROSTER)") $(if $(JOBS),--jobs "$(JOBS)") $(if $(COLUMN),--column "$(COLUMN)") $(if $(CONTAINER),--container "$(CONTAINER)") $(if $(ENGINE),--engine "$(ENGINE)")
sandbox: ; scripts/bubblewrap
$(TEACH_READY): $(READY) requirements-teach.txt ; scripts/venv_teach $(TEACH_VENV) $(VENV)
