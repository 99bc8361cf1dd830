/* Passkeys, and a look at what one types. Everything else at the door works without this file. */
(function () {
  "use strict";

  function each(selector, visit) {
    Array.prototype.forEach.call(document.querySelectorAll(selector), visit);
  }

  function bytes(text) {
    var raw = window.atob(text.replace(/-/g, "+").replace(/_/g, "/"));
    var found = new Uint8Array(raw.length);
    for (var k = 0; k < raw.length; k += 1) {
      found[k] = raw.charCodeAt(k);
    }
    return found.buffer;
  }

  function text(buffer) {
    var raw = "";
    new Uint8Array(buffer).forEach(function (one) {
      raw += String.fromCharCode(one);
    });
    return window.btoa(raw).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  }

  function withBytes(list) {
    (list || []).forEach(function (one) {
      one.id = bytes(one.id);
    });
  }

  /* What the device answered, in the letters that a form can carry. */
  function carried(credential) {
    var answer = credential.response;
    var said = { clientDataJSON: text(answer.clientDataJSON) };
    ["attestationObject", "authenticatorData", "signature", "userHandle"].forEach(function (part) {
      if (answer[part]) {
        said[part] = text(answer[part]);
      }
    });
    if (answer.getTransports) {
      said.transports = answer.getTransports();
    }
    return JSON.stringify({
      id: credential.id,
      rawId: text(credential.rawId),
      type: credential.type,
      clientExtensionResults: {},
      response: said,
    });
  }

  /* A form whose hidden field is filled by the device before it goes its plain way. */
  function passkey(form, where, act) {
    var said = form.querySelector("[data-said]");
    form.hidden = false;
    form.addEventListener("submit", function (event) {
      var field = form.querySelector("[name=credential]");
      if (field.value) {
        return;
      }
      event.preventDefault();
      said.hidden = true;
      fetch(where, {
        method: "POST",
        body: new URLSearchParams(new FormData(form)),
        credentials: "same-origin",
      })
        .then(function (answer) {
          if (!answer.ok) {
            throw new Error("no question");
          }
          return answer.json();
        })
        .then(act)
        .then(function (credential) {
          field.value = carried(credential);
          form.submit();
        })
        .catch(function () {
          said.textContent = form.getAttribute("data-failed");
          said.hidden = false;
        });
    });
  }

  if (window.PublicKeyCredential && navigator.credentials && window.fetch) {
    each("[data-passkey-get]", function (form) {
      passkey(form, form.getAttribute("data-passkey-get"), function (options) {
        options.challenge = bytes(options.challenge);
        withBytes(options.allowCredentials);
        return navigator.credentials.get({ publicKey: options });
      });
    });
    each("[data-passkey-new]", function (form) {
      passkey(form, form.getAttribute("data-passkey-new"), function (options) {
        options.challenge = bytes(options.challenge);
        options.user.id = bytes(options.user.id);
        withBytes(options.excludeCredentials);
        return navigator.credentials.create({ publicKey: options });
      });
    });
  }

  /* Passwords may be looked at while one types them. */
  each("input[data-show]", function (input) {
    var button = document.createElement("button");
    button.type = "button";
    button.className = "button plain tight nowrap";
    function say() {
      var shown = input.type === "text";
      button.textContent = input.getAttribute(shown ? "data-hide" : "data-show");
      button.setAttribute("aria-pressed", shown ? "true" : "false");
    }
    button.setAttribute("aria-controls", input.id);
    button.addEventListener("click", function () {
      input.type = input.type === "text" ? "password" : "text";
      say();
      input.focus();
    });
    input.form.addEventListener("submit", function () {
      input.type = "password";
    });
    say();
    var row = document.createElement("div");
    row.className = "unit-row";
    input.parentNode.insertBefore(row, input);
    row.appendChild(input);
    row.appendChild(button);
  });
})();
