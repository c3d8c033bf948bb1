package io.jllm.server;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.jllm.LLM;
import io.jllm.chat.ChatOptions;
import io.jllm.demo.DemoModel;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.AbstractList;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.UnaryOperator;

/** A server for the demo model, on a port of its own, and a client of it. */
final class Served implements AutoCloseable {
    /** With tools, as Hermes and Qwen write them. */
    static final String TEMPLATE = """
            {%- if tools %}<|im_start|>system
            Call by <tool_call>{"name": "f", "arguments": {}}</tool_call>:{% for t in tools %} {{ t | tojson }}{% endfor %}<|im_end|>
            {% endif -%}
            {%- for m in messages -%}
            <|im_start|>{{ m.role }}
            {{ m.content }}{% for c in m.tool_calls or [] %}<tool_call>{{ c.function | tojson }}</tool_call>{% endfor %}<|im_end|>
            {% endfor -%}
            {%- if add_generation_prompt %}<|im_start|>assistant
            {% endif -%}
            """;

    private final HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    final LLM llm;
    final LlmServer server;
    final List<String> log;

    private Served(LLM llm, LlmServer server, List<String> log) {
        this.llm = llm;
        this.server = server;
        this.log = log;
    }

    /** With settings of one's own. */
    static Served with(LLM llm, UnaryOperator<LlmServerBuilder> more) throws IOException {
        var lines = new ConcurrentLinkedQueue<String>();
        LlmServerBuilder builder = LlmServer.builder().model("demo", llm).port(0).accessLog(lines::add).notices(_ -> { })
                .chatOptions(ChatOptions.builder().template(TEMPLATE).build());
        LlmServer server = more.apply(builder).start();
        return new Served(llm, server, new AbstractList<>() {
            @Override
            public String get(int index) {
                return new ArrayList<>(lines).get(index);
            }

            @Override
            public int size() {
                return lines.size();
            }
        });
    }

    static LLM demo() {
        return LLM.load(DemoModel.path()).threads(1).open();
    }

    URI uri(String path) {
        return server.uri().resolve(path);
    }

    HttpResponse<String> get(String path, String... headers) throws IOException, InterruptedException {
        HttpRequest.Builder request = HttpRequest.newBuilder(uri(path)).GET();
        return client.send((headers.length == 0 ? request : request.headers(headers)).build(), BodyHandlers.ofString());
    }

    HttpResponse<String> post(String path, String body, String... headers) throws IOException, InterruptedException {
        HttpRequest.Builder request = HttpRequest.newBuilder(uri(path)).POST(BodyPublishers.ofString(body)).header("Content-Type", "application/json");
        return client.send((headers.length == 0 ? request : request.headers(headers)).build(), BodyHandlers.ofString());
    }

    /** The JSON of an answer, which is 200. */
    JsonObject ask(String path, String body) throws IOException, InterruptedException {
        HttpResponse<String> response = post(path, body);
        assertEquals(200, response.statusCode(), response.body());
        return JsonParser.parseString(response.body()).getAsJsonObject();
    }

    /** The error of an answer, which has that status. */
    JsonObject error(int status, String path, String body) throws IOException, InterruptedException {
        HttpResponse<String> response = post(path, body);
        assertEquals(status, response.statusCode(), response.body());
        return JsonParser.parseString(response.body()).getAsJsonObject().getAsJsonObject("error");
    }

    /** The data of all events but comments; {@code [DONE]} is checked and left out where {@code done} says so. */
    List<JsonObject> events(String path, String body, boolean done) throws IOException, InterruptedException {
        HttpResponse<String> response = post(path, body);
        assertEquals(200, response.statusCode(), response.body());
        assertEquals("text/event-stream; charset=utf-8", response.headers().firstValue("Content-Type").orElse(""));
        List<String> data = new ArrayList<>(response.body().lines().filter(l -> l.startsWith("data: ")).map(l -> l.substring(6)).toList());
        if (done) {
            assertEquals("[DONE]", data.removeLast());
        }
        return data.stream().map(d -> JsonParser.parseString(d).getAsJsonObject()).toList();
    }

    /** Stops the server, not the model. */
    @Override
    public void close() {
        server.close();
        client.close();
    }
}
