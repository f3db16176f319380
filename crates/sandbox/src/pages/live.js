// Keeps a page up to date: asks for the state, then waits for each change. No timers but after a failure.
// `part` names the half of the state the page is about; it is shown anew only when that half changed.

export async function follow(part, show, line) {
  let version = 0;
  let shown = "";
  for (;;) {
    try {
      const answer = await fetch(`/control/state${version ? `?after=${version}` : ""}`, { cache: "no-store" });
      if (answer.status === 304) continue;
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      const state = await answer.json();
      version = state.version;
      line.textContent = "";
      const now = JSON.stringify(state[part]);
      if (now !== shown) show(state[part]);
      shown = now;
    } catch {
      version = 0;
      line.textContent = "Not connected; trying again…";
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }
}

// Moves a switch; the sentence that went wrong is shown in `problem`.
export async function move(what, body, problem) {
  problem.hidden = true;
  try {
    const answer = await fetch(`/control/${what}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    if (answer.ok) return await answer.json();
    const { error } = await answer.json();
    throw new Error(error);
  } catch (error) {
    problem.textContent = error.message;
    problem.hidden = false;
    return null;
  }
}

// An element with text and children, never with markup from outside.
export function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "on") element.addEventListener("click", value);
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

export function phone(number) {
  const parts = /^\+1(\d{3})(\d{3})(\d{4})$/.exec(number ?? "");
  return parts ? `(${parts[1]}) ${parts[2]}-${parts[3]}` : number ?? "";
}

// With its zone: whoever compares it with a page of Ringback sees at once whose clock it is.
export function time(text, timeZone) {
  return new Date(text).toLocaleTimeString([], { hour: "numeric", minute: "2-digit", timeZone, timeZoneName: "short" });
}
