/* Keeps the look of the member page and one page for a lost network. Nothing that is anybody's own is ever kept. */
(function () {
  "use strict";
  var KEPT = "__KEPT__".split(" ");
  var NAME = "member " + KEPT.join(" ");

  self.addEventListener("install", function (event) {
    event.waitUntil(
      caches.open(NAME).then(function (cache) {
        return cache.addAll(KEPT);
      })
    );
  });

  self.addEventListener("activate", function (event) {
    event.waitUntil(
      caches.keys().then(function (names) {
        return Promise.all(
          names.map(function (name) {
            return name.indexOf("member ") === 0 && name !== NAME ? caches.delete(name) : null;
          })
        );
      })
    );
  });

  self.addEventListener("fetch", function (event) {
    var asked = new URL(event.request.url);
    var path = asked.pathname + asked.search;
    if (event.request.method !== "GET" || asked.origin !== self.location.origin) {
      return;
    }
    if (event.request.mode === "navigate") {
      event.respondWith(
        fetch(event.request).catch(function () {
          return caches.match(KEPT[0]);
        })
      );
    } else if (KEPT.indexOf(path) > 0) {
      event.respondWith(
        caches.match(event.request).then(function (found) {
          return found || fetch(event.request);
        })
      );
    }
  });
})();
