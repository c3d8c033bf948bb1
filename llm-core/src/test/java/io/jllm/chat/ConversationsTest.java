package io.jllm.chat;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Prompts of many conversations are those of transformers, by the templates of real models. */
class ConversationsTest {
    @Test
    void promptsAreThoseOfTransformers() throws IOException {
        JsonObject file = Conversations.file();
        JsonArray conversations = file.getAsJsonArray("conversations");
        assertTrue(conversations.size() >= 200);
        Map<String, ChatTemplate> templates = Conversations.templates();
        assertEquals(file.getAsJsonObject("prompts").keySet(), templates.keySet());
        List<String> wrong = new ArrayList<>();
        templates.forEach((name, template) -> {
            String[] expected = file.getAsJsonObject("prompts").get(name).getAsString().split(" ");
            assertEquals(conversations.size(), expected.length);
            for (int i = 0; i < expected.length; i++) {
                String outcome = outcome(template, conversations.get(i).getAsJsonObject());
                if (!outcome.startsWith(expected[i])) {
                    wrong.add(name + " of conversation " + i + ": " + outcome + " is not " + expected[i]);
                }
            }
        });
        assertEquals(List.of(), wrong);
    }

    private static String outcome(ChatTemplate template, JsonObject conversation) {
        try {
            return digest(template.render(Conversations.messages(conversation), Conversations.options(conversation, template)).text());
        } catch (ChatTemplateException e) {
            return (e.getMessage().contains("has no place for the calls") ? "R " : "E ") + e.getMessage();
        } catch (IllegalArgumentException e) {
            return e.getMessage().startsWith("continueLastMessage") ? "E " + e.getMessage() : e.toString();
        }
    }

    private static String digest(String text) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8)));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
