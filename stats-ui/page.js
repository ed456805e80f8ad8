/* The page brings itself up to date in place. It works without this script, by
 * its refresh; everything shown is made by the server. */
"use strict";

(function () {
	var main = document.querySelector("main");
	var delay = Number(main.dataset.refresh), timer = 0, paused = false;
	var lost = null;

	if (!(delay > 0))
		return;

	/* Something of this section is in use: it is left alone for now. */
	function busy(section) {
		var active = document.activeElement;

		return section.querySelector("input:checked") !== null ||
		    (section.contains(active) && /SELECT|INPUT/.test(active.tagName));
	}

	/* What of a section is the reader's: how far its boxes are scrolled, which
	 * details are open, what has the focus. */
	function keep(section) {
		var all = section.querySelectorAll(".box, details, summary, a, button");
		var state = Array.prototype.map.call(all, function (e) {
			return [e.scrollLeft, e.open, e === document.activeElement];
		});

		return function () {
			all = section.querySelectorAll(".box, details, summary, a, button");
			state.forEach(function (s, i) {
				if (!all[i])
					return;
				all[i].scrollLeft = s[0];
				if (s[1] !== undefined)
					all[i].open = s[1];
				if (s[2])
					all[i].focus({preventScroll: true});
			});
		};
	}

	/* Take over what is different. */
	function update(text) {
		var fresh = new DOMParser().parseFromString(text, "text/html");
		var sections = document.querySelectorAll("[data-live]");

		if (fresh.querySelectorAll("[data-live]").length !== sections.length ||
		    !fresh.querySelector("main")) {
			location.reload(); /* another configuration */
			return;
		}
		sections.forEach(function (old) {
			var now = fresh.getElementById(old.id), restore;

			if (now === null || now.innerHTML === old.innerHTML || busy(old))
				return;
			restore = keep(old);
			old.replaceChildren.apply(old, Array.from(now.childNodes));
			restore();
		});
		document.title = fresh.title;
	}

	/* Say that what is shown is old, or no longer. */
	function say(words) {
		if (words === "" && lost !== null) {
			lost.remove();
			lost = null;
		} else if (words !== "" && lost === null) {
			lost = document.createElement("ul");
			lost.id = "lost";
			lost.className = "trouble";
			lost.setAttribute("role", "alert");
			lost.appendChild(document.createElement("li"));
			main.prepend(lost);
			lost.firstChild.textContent = words;
		}
	}

	function later() {
		clearTimeout(timer);
		if (!paused)
			timer = setTimeout(ask, delay);
	}

	function ask() {
		var stop = new AbortController();
		var limit = setTimeout(function () { stop.abort(); }, delay + 8000);

		if (document.hidden) {
			clearTimeout(limit);
			later();
			return;
		}
		fetch(main.dataset.page, {cache: "no-store", signal: stop.signal})
		    .then(function (answer) {
			if (!answer.ok)
				throw new Error("it answers " + answer.status);
			return answer.text();
		}).then(function (text) {
			say("");
			update(text);
		}).catch(function () {
			say("\u2715 roleproxy has not answered since " +
			    new Date().toLocaleTimeString() +
			    ": what is shown here is older than that.");
		}).finally(function () {
			clearTimeout(limit);
			later();
		});
	}

	/* A button to stop it, in place of the link for those without script. */
	function add_button() {
		var button = document.createElement("button");

		button.type = "button";
		button.textContent = "Pause";
		button.addEventListener("click", function () {
			paused = !paused;
			button.textContent = paused ? "Go on" : "Pause";
			if (paused)
				clearTimeout(timer);
			else
				ask();
		});
		document.getElementById("pause").replaceChildren(button);
	}

	add_button();
	document.addEventListener("visibilitychange", function () {
		if (!document.hidden && !paused) {
			clearTimeout(timer);
			ask();
		}
	});
	later();
}());
