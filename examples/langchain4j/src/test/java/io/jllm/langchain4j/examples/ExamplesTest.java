package io.jllm.langchain4j.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.langchain4j.rag.content.Content;
import dev.langchain4j.service.Result;
import io.jllm.LLM;
import io.jllm.chat.Answer;
import io.jllm.chat.ChatOptions;
import io.jllm.chat.Message;
import io.jllm.chat.Role;
import io.jllm.chat.ToolCall;
import io.jllm.demo.DemoModel;
import io.jllm.embedding.EmbeddingParams;
import io.jllm.embedding.Pooling;
import io.jllm.langchain4j.JllmEmbeddingModel;
import io.jllm.langchain4j.ScriptedLlm;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The examples, with vectors of the demo model and answers of a script. */
class ExamplesTest {
    private static final ChatOptions OPTIONS = ChatOptions.builder().template("""
            {%- for m in messages %}<|im_start|>{{ m.role }}
            {{ m.content }}{{ m.tool_calls or '' }}<|im_end|>
            {% endfor %}{% for t in tools or [] %}<tool_call>{{ t | tojson }}{% endfor %}""").build();
    private static LLM llm;

    @BeforeAll
    static void open() {
        llm = LLM.load(DemoModel.path()).threads(1).open();
    }

    @AfterAll
    static void close() {
        llm.close();
    }

    private static Answer text(String content) {
        return new Answer(content, Optional.empty(), List.of(), Optional.empty());
    }

    /** Asks the tool for the account of the last question, and tells what it gave, and how many questions are remembered. */
    private static Answer clerk(List<Message> messages) {
        Message last = messages.getLast();
        if (last.role() == Role.TOOL) {
            return text(last.content() + " euros, at question " + messages.stream().filter(m -> m.role() == Role.USER).count());
        }
        String account = last.content().contains("savings") ? "savings" : "current";
        return new Answer("", Optional.empty(), List.of(new ToolCall("", "balance", "{\"account\": \"" + account + "\"}")), Optional.empty());
    }

    @Test
    void toolsAndMemory() {
        ToolsAndMemory.Clerk clerk = ToolsAndMemory.over(ScriptedLlm.over(llm, (messages, _, _) -> clerk(messages)), OPTIONS);
        assertEquals("1200 euros, at question 1", clerk.answer("ada", "How much is in my savings account?"));
        assertEquals("35 euros, at question 2", clerk.answer("ada", "And in my current account?"));
        assertEquals("35 euros, at question 1", clerk.answer("bob", "How much is in my current account?"));
    }

    @Test
    void askFolder(@TempDir Path folder) throws IOException {
        Files.writeString(folder.resolve("giant.txt"),
                "The giant lived in a castle on the mountain. He was so tall that he could look over the trees.");
        Files.writeString(folder.resolve("baker.txt"), "The baker rose before the sun to bake bread and cakes. His oven was as red as fire.");
        Files.writeString(folder.resolve("ship.txt"), "The ship sailed over the sea for a hundred days. The captain feared neither wind nor wave.");
        // Answers with the piece that it was told first.
        LLM reader = ScriptedLlm.over(llm, (messages, _, _) -> text(messages.getLast().content().split("\n\n")[1].lines().skip(1).findFirst()
                .orElseThrow()));
        var embedder = JllmEmbeddingModel.builder(llm).params(EmbeddingParams.defaults().withPooling(Pooling.MEAN)).build();
        AskFolder.Reader service = AskFolder.over(folder, embedder, reader, OPTIONS);
        check(service, "The ship sailed over the sea. How long?", "ship.txt", "a hundred days");
        check(service, "Who rose before the sun to bake bread?", "baker.txt", "The baker");
        check(service, "Where was the castle of the giant?", "giant.txt", "on the mountain");
    }

    private static void check(AskFolder.Reader service, String question, String file, String answer) {
        Result<String> result = service.ask(question);
        Content nearest = result.sources().getFirst();
        assertEquals(file, nearest.textSegment().metadata().getString("file_name"));
        assertTrue(result.content().contains(answer), result.content());
        assertEquals(2, result.sources().size());
    }
}
