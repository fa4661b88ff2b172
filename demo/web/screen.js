// The status page of the screen mode. The token comes after the # of the address and stays in this tab.
const token = location.hash.startsWith("#token=") ? location.hash.slice(7) : sessionStorage.getItem("token") ?? "";
sessionStorage.setItem("token", token);
history.replaceState(null, "", location.pathname);

const $ = (id) => document.getElementById(id);
const headers = { Authorization: `Bearer ${token}` };

async function call(command, body = {}) {
  const response = await fetch(`/api/${command}`, { method: "POST", headers, body: JSON.stringify(body) });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error);
  return answer;
}

function item(...parts) {
  const li = document.createElement("li");
  li.append(...parts);
  return li;
}

async function picture(source, t) {
  const response = await fetch(`/picture/${source}/${t}`, { headers });
  if (!response.ok) return [];
  const img = document.createElement("img");
  img.alt = "the screen at that moment";
  img.src = URL.createObjectURL(await response.blob());
  return [img];
}

async function show() {
  try {
    const status = await call("status");
    $("state").textContent = status.line;
    $("now").textContent = status.detail;
    $("timeline").replaceChildren(...status.today.map((line) => item(line)));
    $("tasks").replaceChildren(...status.tasks.map((task) => {
      const done = document.createElement("button");
      done.textContent = "Dismiss";
      done.onclick = () => call("dismiss", { id: task.id }).then(show);
      return item(task.line, done);
    }));
  } catch (error) {
    $("state").textContent = error instanceof TypeError ? "Not running" : error.message;
  }
}

$("pause").onclick = () => call("pause").then(show);
$("pause30").onclick = () => call("pause", { seconds: 1800 }).then(show);
$("resume").onclick = () => call("resume").then(show);
$("forget").onclick = () => call("forget", { seconds: 600 }).then(show);
$("ask").onsubmit = async (event) => {
  event.preventDefault();
  $("answer").textContent = "…";
  $("evidence").replaceChildren();
  try {
    const answer = await call("ask", { question: $("question").value });
    $("answer").textContent = answer.text;
    for (const e of answer.evidence) $("evidence").append(item(`${e.at}  ${e.text}`, ...await picture(e.source, e.t)));
  } catch (error) {
    $("answer").textContent = error.message;
  }
};
show();
setInterval(show, 3000);
