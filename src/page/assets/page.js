// Replaces the sections that have changed.
const connection = document.getElementById("connection");
const events = new EventSource("/events");
events.onopen = () => {
  connection.hidden = true;
};
events.onerror = () => {
  connection.hidden = false;
};
events.onmessage = (event) => {
  for (const [id, content] of Object.entries(JSON.parse(event.data))) {
    const section = document.getElementById(id);
    // Escaped by the server.
    if (section) section.innerHTML = content;
  }
};
