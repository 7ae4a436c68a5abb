// Replaces the sections that have changed.
const connection = document.getElementById("connection");
const events = new EventSource("/events");
events.onopen = () => {
  connection.hidden = true;
};
events.onerror = () => {
  // The browser tries again after a lost connection, but not after a rejection: too many pages are open.
  connection.textContent =
    events.readyState === EventSource.CLOSED
      ? "This page is not renewed: too many pages of this mesh are open. Load it again."
      : "Connection lost; trying again.";
  connection.hidden = false;
};
events.onmessage = (event) => {
  for (const [id, content] of Object.entries(JSON.parse(event.data))) {
    const section = document.getElementById(id);
    // Escaped by the server.
    if (section) section.innerHTML = content;
  }
};
