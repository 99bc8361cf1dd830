/* The member page works without this: it only lets a phone keep the page for a lost network. */
(function () {
  "use strict";
  if ("serviceWorker" in navigator && window.isSecureContext) {
    navigator.serviceWorker.register("/m/worker.js", { scope: "/m/" }).catch(function () {});
  }
})();
