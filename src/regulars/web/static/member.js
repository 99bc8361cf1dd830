/* The member page works without this: it lets a phone keep the page for a lost network, and brings a new sign for the
   counter each minute as long as there is one (a page without scripts is loaded anew). */
(function () {
  "use strict";
  if ("serviceWorker" in navigator && window.isSecureContext) {
    navigator.serviceWorker.register("/m/worker.js", { scope: "/m/" }).catch(function () {});
  }
  if (document.querySelector("[data-changes]")) {
    var lost = document.querySelector("[data-lost]");
    setInterval(function () {
      if (document.hidden) { return; }
      // Asked first: in a basement the sign that stands there still holds a while, and a page for a lost network shows none.
      var asked = new XMLHttpRequest();
      asked.open("HEAD", window.location.href);
      asked.timeout = 10000;
      asked.onload = function () {
        if (asked.status < 500) { window.location.reload(); } else { lost.hidden = false; }
      };
      asked.onerror = asked.ontimeout = function () { lost.hidden = false; };
      asked.send();
    }, 60000);
  }
})();
