/* The member page works without this: it lets a phone keep the page for a lost network, and brings a new sign for the
   counter each minute (a page without scripts is loaded anew). */
(function () {
  "use strict";
  if ("serviceWorker" in navigator && window.isSecureContext) {
    navigator.serviceWorker.register("/m/worker.js", { scope: "/m/" }).catch(function () {});
  }
  if (document.querySelector("[data-changes]")) {
    setInterval(function () {
      if (!document.hidden) { window.location.reload(); }
    }, 60000);
  }
})();
