/* Small comforts on top of pages that work without them.
   Theme switch without reload · copy · dropped files · a finished task slides away with undo · keys · progress · offline.
   No framework, no inline code, nothing newer than 2020 without a test for it. */
(function () {
  "use strict";

  var page = document.documentElement;
  var calm = window.matchMedia && window.matchMedia("(prefers-reduced-motion: reduce)").matches;

  function each(root, selector, visit) {
    Array.prototype.forEach.call(root.querySelectorAll(selector), visit);
  }

  function closest(element, selector) {
    return element && element.closest ? element.closest(selector) : null;
  }

  function fragment(text) {
    var holder = document.createElement("template");
    holder.innerHTML = text.trim();
    return holder.content.firstElementChild;
  }

  /* Sends a form as the browser would; the pressed button goes with it. The header asks for a fragment. */
  function send(form, button) {
    var body = new URLSearchParams(new FormData(form));
    if (button && button.name) {
      body.append(button.name, button.value);
    }
    return fetch(form.action, {
      method: "POST",
      body: body,
      credentials: "same-origin",
      headers: { "X-Requested-With": "fetch", Accept: "text/html" },
    }).then(function (answer) {
      if (!answer.ok || answer.redirected) {
        throw new Error("the page answers in full");
      }
      return answer.text();
    });
  }

  /* When anything goes wrong, the form goes the plain way, with the same button. */
  function sendPlainly(form, button) {
    form.dataset.plain = "yes";
    if (button && button.click) {
      button.disabled = false;
      button.click();
    } else {
      form.submit();
    }
  }

  var pressed = null;
  document.addEventListener("click", function (event) {
    pressed = closest(event.target, "button");
  });

  /* Theme: the choice shows at once and is kept by the server. */
  document.addEventListener("submit", function (event) {
    var form = event.target;
    if (!form.hasAttribute("data-theme-switch") || form.dataset.plain) {
      return;
    }
    var button = event.submitter || pressed;
    if (!button || !window.fetch) {
      return;
    }
    event.preventDefault();
    if (button.value === "auto") {
      page.removeAttribute("data-theme");
    } else {
      page.setAttribute("data-theme", button.value);
    }
    each(form, "button", function (other) {
      other.setAttribute("aria-pressed", other === button ? "true" : "false");
    });
    var body = new URLSearchParams(new FormData(form));
    body.append(button.name, button.value);
    fetch(form.action, { method: "POST", body: body, credentials: "same-origin", redirect: "manual" }).catch(
      function () {}
    );
  });

  /* The line above the list: how many are finished by now. */
  function count() {
    var done = document.querySelectorAll("[data-done]").length;
    var all = done + document.querySelectorAll("[data-task]").length;
    each(document, "[data-day-bar]", function (bar) {
      var progress = bar.querySelector("progress");
      progress.max = all;
      progress.value = done;
      progress.nextElementSibling.textContent = bar
        .getAttribute("data-day-bar")
        .replace("{done}", done)
        .replace("{all}", all);
    });
  }

  /* A finished task slides away; what stays is one line with undo. The server answers with that line. */
  document.addEventListener("submit", function (event) {
    var form = event.target;
    var undo = form.hasAttribute("data-undo");
    if ((!undo && !form.hasAttribute("data-result")) || form.dataset.plain || !window.fetch) {
      return;
    }
    var button = event.submitter || pressed;
    var block = closest(form, undo ? "[data-done]" : "[data-task]");
    if (!button || !block) {
      return;
    }
    event.preventDefault();
    each(block, "button", function (other) {
      other.disabled = true;
    });
    send(form, button)
      .then(function (text) {
        var next = fragment(text);
        if (!next) {
          throw new Error("no fragment");
        }
        function swap() {
          var following = undo ? next : block.nextElementSibling;
          block.parentNode.replaceChild(next, block);
          settle(next);
          count();
          if (following && following.hasAttribute("data-task")) {
            following.focus({ preventScroll: true });
          }
        }
        if (undo || calm) {
          swap();
        } else {
          block.classList.add("leaving");
          window.setTimeout(swap, 240);
        }
      })
      .catch(function () {
        each(block, "button", function (other) {
          other.disabled = false;
        });
        sendPlainly(form, button);
      });
  });

  /* Copy the suggested words. Without a clipboard the words are selected, ready to copy by hand. */
  function copy(button) {
    var words = document.getElementById(button.getAttribute("data-copy"));
    if (!words) {
      return;
    }
    function say() {
      var label = button.querySelector("span") || button;
      var before = label.textContent;
      label.textContent = button.getAttribute("data-copied");
      window.setTimeout(function () {
        label.textContent = before;
      }, 1800);
    }
    function select() {
      var range = document.createRange();
      range.selectNodeContents(words);
      var selection = window.getSelection();
      selection.removeAllRanges();
      selection.addRange(range);
      try {
        if (document.execCommand("copy")) {
          say();
        }
      } catch (error) {
        return;
      }
    }
    if (navigator.clipboard && window.isSecureContext) {
      navigator.clipboard.writeText(words.textContent).then(say, select);
    } else {
      select();
    }
  }

  document.addEventListener("click", function (event) {
    var button = closest(event.target, "[data-copy]");
    if (button) {
      copy(button);
    }
    var printer = closest(event.target, "[data-print]");
    if (printer) {
      window.print();
    }
    each(document, "details.menu[open]", function (menu) {
      if (!menu.contains(event.target)) {
        menu.removeAttribute("open");
      }
    });
  });

  /* Files dropped on the zone land in its ordinary file input. */
  function dropZone(zone) {
    var input = zone.querySelector("input[type=file]");
    var list = zone.querySelector("[data-drop-files]");
    function show() {
      var names = Array.prototype.map.call(input.files || [], function (file) {
        return file.name;
      });
      list.textContent = names.join("、");
      list.hidden = names.length === 0;
    }
    zone.classList.add("ready");
    input.addEventListener("change", show);
    ["dragenter", "dragover"].forEach(function (kind) {
      zone.addEventListener(kind, function (event) {
        event.preventDefault();
        zone.classList.add("over");
      });
    });
    ["dragleave", "drop"].forEach(function (kind) {
      zone.addEventListener(kind, function (event) {
        event.preventDefault();
        zone.classList.remove("over");
      });
    });
    zone.addEventListener("drop", function (event) {
      if (event.dataTransfer && event.dataTransfer.files.length) {
        try {
          input.files = event.dataTransfer.files;
        } catch (error) {
          return;
        }
        show();
      }
    });
  }

  /* Long work: ask every second how far it is. Three failures in a row and we ask more calmly. */
  function follow(block) {
    var failures = 0;
    function ask() {
      fetch(block.getAttribute("data-poll"), {
        credentials: "same-origin",
        headers: { "X-Requested-With": "fetch", Accept: "text/html" },
      })
        .then(function (answer) {
          if (!answer.ok) {
            throw new Error("not now");
          }
          return answer.text();
        })
        .then(function (text) {
          failures = 0;
          var next = fragment(text);
          if (!next || !next.hasAttribute("data-progress")) {
            window.location.reload();
            return;
          }
          var hadFocus = block.contains(document.activeElement);
          block.parentNode.replaceChild(next, block);
          if (hadFocus) {
            var button = next.querySelector("button, a");
            if (button) {
              button.focus();
            }
          }
          if (next.getAttribute("data-next")) {
            window.location.assign(next.getAttribute("data-next"));
          } else {
            settle(next.parentNode);
          }
        })
        .catch(function () {
          failures += 1;
          window.setTimeout(ask, failures > 3 ? 5000 : 1000);
        });
    }
    window.setTimeout(ask, 1000);
  }

  /* Selects marked data-submit send their form by themselves; the button beside them is for pages without this file. */
  document.addEventListener("change", function (event) {
    var field = event.target;
    if (field.hasAttribute && field.hasAttribute("data-submit") && field.form) {
      field.form.submit();
    }
  });

  /* Keys: / finds, j and k walk through tasks or rows, Escape closes the menu. */
  document.addEventListener("keydown", function (event) {
    var where = event.target;
    if (event.key === "Escape") {
      each(document, "details.menu[open]", function (menu) {
        menu.removeAttribute("open");
        menu.querySelector("summary").focus();
      });
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) {
      return;
    }
    if (event.key === "Enter" && where.name === "note" && closest(where, "[data-result]")) {
      /* Enter ends the note, not the task: which result it was is still for a person to say. */
      event.preventDefault();
      closest(where, "[data-result]").querySelector("[name=result]").focus();
      return;
    }
    if (/^(INPUT|TEXTAREA|SELECT)$/.test(where.tagName) || where.isContentEditable) {
      return;
    }
    if (event.key === "/") {
      var find = document.querySelector("[data-find]");
      if (find) {
        event.preventDefault();
        find.focus();
        find.select();
      }
    } else if (event.key === "j" || event.key === "k") {
      var stops = Array.prototype.slice.call(document.querySelectorAll("[data-task], [data-row]"));
      if (!stops.length) {
        return;
      }
      var at = stops.indexOf(closest(document.activeElement, "[data-task], [data-row]"));
      var next = event.key === "j" ? Math.min(at + 1, stops.length - 1) : Math.max(at - 1, 0);
      var stop = stops[next].hasAttribute("data-row") ? stops[next].querySelector("a") || stops[next] : stops[next];
      event.preventDefault();
      stop.focus();
      stop.scrollIntoView({ block: "center", behavior: calm ? "auto" : "smooth" });
    }
  });

  /* Names under the search box while one types; Enter searches as it always does. */
  function suggest(input) {
    var waiting = 0;
    var asked = "";
    function close() {
      each(input.form, "[data-suggest]", function (list) {
        list.parentNode.removeChild(list);
      });
    }
    input.addEventListener("input", function () {
      window.clearTimeout(waiting);
      var text = input.value.trim();
      if (!text) {
        asked = "";
        close();
        return;
      }
      waiting = window.setTimeout(function () {
        asked = text;
        fetch(input.getAttribute("data-find") + "?q=" + encodeURIComponent(text), {
          credentials: "same-origin",
          headers: { "X-Requested-With": "fetch", Accept: "text/html" },
        })
          .then(function (answer) {
            return answer.ok && !answer.redirected ? answer.text() : "";
          })
          .then(function (html) {
            var list = html && asked === text ? fragment(html) : null;
            if (list) {
              close();
              input.form.appendChild(list);
            }
          })
          .catch(close);
      }, 160);
    });
    input.form.addEventListener("keydown", function (event) {
      var links = Array.prototype.slice.call(input.form.querySelectorAll("[data-suggest] a"));
      if (event.key === "Escape") {
        close();
        input.focus();
      } else if (links.length && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
        event.preventDefault();
        var at = links.indexOf(document.activeElement) + (event.key === "ArrowDown" ? 1 : -1);
        (at < 0 ? input : links[Math.min(at, links.length - 1)]).focus();
      }
    });
    document.addEventListener("click", function (event) {
      if (!input.form.contains(event.target)) {
        close();
      }
    });
  }

  function network() {
    each(document, "[data-offline]", function (banner) {
      banner.hidden = navigator.onLine !== false;
    });
  }

  function settle(root) {
    each(root, "[data-copy][hidden], [data-print][hidden]", function (button) {
      button.hidden = false;
    });
    each(root, "[data-without-script]", function (element) {
      element.hidden = true;
    });
    each(root, "[data-drop]", function (zone) {
      if (!zone.dataset.ready) {
        zone.dataset.ready = "yes";
        dropZone(zone);
      }
    });
    if (window.fetch) {
      each(root, "[data-find]", function (input) {
        if (!input.dataset.ready && input.getAttribute("data-find")) {
          input.dataset.ready = "yes";
          suggest(input);
        }
      });
      each(root, "[data-poll]", function (block) {
        if (!block.dataset.ready) {
          block.dataset.ready = "yes";
          follow(block);
        }
      });
    }
  }

  window.addEventListener("online", network);
  window.addEventListener("offline", network);
  settle(document);
  network();
})();
