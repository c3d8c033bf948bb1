package io.jllm.server.browser;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.gson.Gson;
import io.jllm.LLM;
import io.jllm.chat.ChatOptions;
import io.jllm.demo.DemoModel;
import io.jllm.server.LlmServer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

/** The page in a real browser. Pictures of it go to {@code target/pictures}. */
class PageTest {
    private static final String LAST = "[...document.querySelectorAll('.message.assistant .text')].at(-1)";
    private static final String IDLE = "document.querySelector('#stop').hidden && document.querySelectorAll('.message.assistant').length";
    private static final Path PICTURES = Path.of("target", "pictures");

    @TempDir(cleanup = CleanupMode.NEVER)
    Path profile;

    private LLM llm;
    private LlmServer server;
    private Browser page;

    @BeforeEach
    void open() throws IOException {
        assumeTrue(Browser.program().isPresent(), "skipped: there is no chromium on the PATH");
        llm = LLM.load(DemoModel.path()).open();
        var options = ChatOptions.builder().withoutTemplate(ChatOptions.WithoutTemplate.CHATML).build();
        server = LlmServer.builder().model("tale", llm).model("other", llm).chatOptions(options).port(0).start();
        page = new Browser(Browser.program().get(), profile, 1200, 800);
        page.open(server.uri().resolve("/"));
        page.await("document.querySelectorAll('#model option').length === 2");
        set("temperature", "0");
        set("max_tokens", "40");
    }

    @AfterEach
    void close() {
        if (page != null) {
            page.close();
            server.close();
            llm.close();
        }
    }

    private void set(String id, String value) {
        page.value("(() => { const e = document.getElementById(" + quoted(id) + "); e.value = " + quoted(value)
                + "; e.dispatchEvent(new Event('change')); })()");
    }

    private void click(String selector) {
        page.value("document.querySelector(" + quoted(selector) + ").click()");
    }

    private static String quoted(String text) {
        return new Gson().toJson(text);
    }

    private void ask(String text) {
        page.value("document.getElementById('question').focus()");
        page.type(text);
        page.key("Enter", "\r");
    }

    @Test
    void chats() throws IOException {
        ask("Once upon a time");
        page.await("document.querySelector('.message.user')");
        page.await(IDLE + " === 1");
        assertEquals("Once upon a time", page.text("document.querySelector('.message.user .text').textContent"));
        assertFalse(page.text(LAST + ".textContent").isBlank());
        assertTrue(page.text("document.querySelector('.message.assistant .facts').textContent").contains("tokens/s"));
        ask("And then?");
        page.await(IDLE + " === 2");
        page.picture(PICTURES.resolve("chat.png"));
        page.scheme("dark");
        page.picture(PICTURES.resolve("chat-dark.png"));

        // Again, from the message before: what followed goes.
        page.value("[...document.querySelectorAll('.message.user .facts button')].at(-1).click()");
        assertEquals("And then?", page.text("document.getElementById('question').value"));
        assertEquals("1", page.text("document.querySelectorAll('.message.assistant').length"));
        page.key("Enter", "\r");
        page.await(IDLE + " === 2");
        page.value("[...document.querySelectorAll('.message.assistant .facts button')].at(-1).click()");
        page.await(IDLE + " === 2");

        // It is there after a reload.
        page.open(server.uri().resolve("/?again"));
        page.await("document.querySelectorAll('#conversations li').length === 1");
        click("#conversations button");
        page.await("document.querySelectorAll('.message').length === 4");
        assertTrue(page.requests().stream().allMatch(r -> r.startsWith(server.uri().toString())), page.requests().toString());
        assertEquals(List.of(), page.complaints());
    }

    @Test
    void stops() {
        set("max_tokens", "100000");
        ask("Tell me a very long tale");
        page.await(LAST + "?.textContent.length > 20");
        page.key("Escape", "");
        page.await(IDLE);
        assertTrue(page.text("document.querySelector('.message.assistant .facts').textContent").contains("ended by you"));
        while (server.activeRequests() > 0 || llm.metrics().running() > 0) {
            Thread.onSpinWait();
        }
    }

    @Test
    void sideBySideAndBlind() throws IOException {
        click("#beside");
        assertEquals("false", page.text("document.getElementById('second-label').hidden"));
        ask("A king had three sons");
        page.await("document.querySelectorAll('.side').length === 2");
        page.await(IDLE + " === 2");
        assertEquals("tale other", page.text("[...document.querySelectorAll('.side h2')].map(h => h.textContent).join(' ')"));
        page.picture(PICTURES.resolve("side-by-side.png"));
        click("#blind");
        ask("A queen had a mirror");
        page.await("document.querySelector('.message.user')?.textContent.includes('queen')");
        page.await(IDLE + " === 2");
        assertEquals("Model A Model B", page.text("[...document.querySelectorAll('.side h2')].map(h => h.textContent).join(' ')"));
        click("[data-vote='0']");
        page.await("document.querySelector('#votes').textContent.includes('1, 0, 0')");
        assertTrue(page.text("[...document.querySelectorAll('.side h2')].map(h => h.textContent).sort().join(' ')").equals("other tale"));
    }

    @Test
    void answersAreNoMarkup() {
        String evil = "<img src=x onerror=window.bad=1><script>window.bad=1</script>";
        set("schema", "{\"const\": " + quoted(evil) + "}");
        set("max_tokens", "200");
        ask(evil);
        page.await(IDLE + " === 1");
        assertTrue(page.text(LAST + ".textContent").contains(evil), page.text(LAST + ".textContent"));
        assertEquals(evil, page.text("document.querySelector('.message.user .text').textContent"));
        assertEquals("0 undefined", page.text("document.querySelectorAll('#sides img, #sides script').length + ' ' + window.bad"));
        assertTrue(page.text("document.querySelector('#conversations').textContent").contains("<img"));
    }

    @Test
    void phonesAndKeys() throws IOException {
        page.size(390, 800);
        ask("Once upon a time");
        page.await(IDLE + " === 1");
        assertTrue(page.value("document.documentElement.scrollWidth <= 390").getAsBoolean());
        click("#show-history");
        assertEquals("visible", page.text("getComputedStyle(document.querySelector('#history')).visibility"));
        page.picture(PICTURES.resolve("phone.png"));
        click("#close-history");
        assertEquals("hidden", page.text("getComputedStyle(document.querySelector('#history')).visibility"));
        click("#show-settings"); // whose panel lies over its button then, and has one of its own
        String over = "document.elementFromPoint(375, document.querySelector('#show-settings').getBoundingClientRect().top + 5).closest('#settings') !== null";
        assertTrue(page.value(over).getAsBoolean());
        page.picture(PICTURES.resolve("phone-settings.png"));
        click("#close-settings");
        assertFalse(page.value(over).getAsBoolean());
        click("#show-settings");
        page.key("Escape", "");
        page.await("document.getElementById('settings').hidden");
        page.value("document.getElementById('question').focus()");
        page.type("x");
        page.key("Tab", "");
        assertEquals("send", page.text("document.activeElement.id"));
    }

    @Test
    void whatIsWrongIsSaid() {
        set("schema", "{no json");
        ask("Hello");
        page.await("document.querySelector('#status.error').textContent.includes('no JSON')");
        set("schema", "{\"type\": \"nothing\"}");
        click("#new");
        ask("Hello");
        page.await("document.querySelector('.message .error')?.textContent.includes('must be of')");
    }
}
