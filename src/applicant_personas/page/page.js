// Follow a persona: what is of it stays, the rest steps back, and blocks show its own version.
(() => {
  const keys = [...document.querySelectorAll(".follow button")].map((b) => b.dataset.follow);
  const names = Object.fromEntries(
    [...document.querySelectorAll(".follow button")].map((b) => [b.dataset.follow, b.textContent.trim()])
  );
  const said = document.getElementById("said");

  function follow(asked, quietly) {
    const key = keys.includes(asked) ? asked : "all";
    document.body.dataset.follow = key;
    for (const button of document.querySelectorAll("button[data-follow]")) {
      button.setAttribute("aria-pressed", String(button.dataset.follow === key));
    }
    for (const part of document.querySelectorAll("[data-persona]")) {
      part.classList.toggle("is-followed", part.dataset.persona === key);
    }
    for (const block of document.querySelectorAll("[data-block]")) {
      const versions = [...block.querySelectorAll("[data-for]")];
      const own = versions.find((v) => v.dataset.for === key);
      for (const version of versions) {
        version.hidden = version !== (own || versions.find((v) => v.dataset.for === "all"));
      }
      const about = block.querySelector(".about");
      if (about) {
        about.hidden = key === "all" || block.dataset.block === "marks";
        about.textContent = own ? "Of " + names[key] : "Of everyone: there are too few to tell of " + names[key] + " alone";
      }
    }
    history.replaceState(null, "", key === "all" ? location.pathname + location.search : "#" + key);
    const chip = document.querySelector('.follow button[data-follow="' + key + '"]');
    if (!quietly) {
      said.textContent = "Showing " + names[key];
      chip.scrollIntoView({ block: "nearest", inline: "center" });
    }
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-follow]");
    const part = event.target.closest(".chart [data-persona]");
    const key = button ? button.dataset.follow : part ? part.dataset.persona : null;
    if (key) follow(key === document.body.dataset.follow ? "all" : key);
  });
  document.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const at = keys.indexOf(document.body.dataset.follow);
    const inBar = event.target.closest && event.target.closest(".follow");
    if (event.key === "Escape" || event.key === "0") follow("all");
    else if (/^[1-9]$/.test(event.key) && keys[event.key]) follow(keys[event.key]);
    else if (inBar && (event.key === "ArrowRight" || event.key === "ArrowLeft")) {
      const next = (at + (event.key === "ArrowRight" ? 1 : keys.length - 1)) % keys.length;
      follow(keys[next]);
      document.querySelector('.follow button[data-follow="' + keys[next] + '"]').focus();
      event.preventDefault();
    }
  });
  addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((d) => (d.open = true)));
  addEventListener("hashchange", () => follow(location.hash.slice(1)));
  if (keys.length) follow(location.hash.slice(1), true);
})();
