/* The member page works without this: it lets a phone keep the page for a lost network, brings a new sign for the counter
   each minute as long as there is one (a page without scripts is loaded anew), and makes of her card a picture that chat
   programs can keep: they know no SVG. */
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
  var card = document.querySelector(".card-picture");
  function draw() {
    card.removeEventListener("load", draw);
    var sheet = document.createElement("canvas");
    sheet.width = 2 * card.naturalWidth;
    sheet.height = 2 * card.naturalHeight;
    try {
      sheet.getContext("2d").drawImage(card, 0, 0, sheet.width, sheet.height);
      card.src = sheet.toDataURL("image/png");
    } catch (_) {
      return; // an old phone: the card stays what it was
    }
    var keep = document.querySelector("[data-keep]");
    keep.href = card.src;
    keep.setAttribute("download", "card.png");
    document.querySelector("[data-hold]").hidden = false;
  }
  if (card) {
    card.addEventListener("load", draw);
    if (card.complete && card.naturalWidth) { draw(); }
  }
})();
