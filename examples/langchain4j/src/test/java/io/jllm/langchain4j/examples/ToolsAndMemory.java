package io.jllm.langchain4j.examples;

import dev.langchain4j.agent.tool.P;
import dev.langchain4j.agent.tool.Tool;
import dev.langchain4j.memory.chat.TokenWindowChatMemory;
import dev.langchain4j.service.AiServices;
import dev.langchain4j.service.MemoryId;
import dev.langchain4j.service.SystemMessage;
import dev.langchain4j.service.UserMessage;
import io.jllm.LLM;
import io.jllm.chat.ChatOptions;
import io.jllm.langchain4j.JllmChatModel;
import io.jllm.langchain4j.JllmTokenCountEstimator;
import java.nio.file.Path;
import java.util.Map;

/** An AI service that calls tools and remembers each user's conversation, within 2,000 tokens. The model must know tools, as Qwen 3 does. */
public final class ToolsAndMemory {
    private ToolsAndMemory() {
    }

    /** What the service does; LangChain4j writes the class. */
    public interface Clerk {
        /** @param user whose conversation goes on */
        @SystemMessage("You are a clerk of a bank. Answer in one sentence.")
        String answer(@MemoryId String user, @UserMessage String question);
    }

    /** What the model may call. */
    public static final class Accounts {
        private final Map<String, Integer> euros = Map.of("savings", 1200, "current", 35);

        @Tool("The balance of an account in euros")
        public int balance(@P(name = "account", value = "savings or current") String account) {
            return euros.getOrDefault(account, 0);
        }
    }

    /** The service over a model. */
    static Clerk over(LLM llm, ChatOptions options) {
        var estimator = new JllmTokenCountEstimator(llm, options);
        return AiServices.builder(Clerk.class)
                .chatModel(JllmChatModel.builder(llm).chatOptions(options).temperature(0).build())
                .chatMemoryProvider(_ -> TokenWindowChatMemory.withMaxTokens(2000, estimator))
                .tools(new Accounts())
                .build();
    }

    public static void main(String[] args) {
        try (LLM llm = LLM.load(Path.of(args[0])).open()) {
            Clerk clerk = over(llm, ChatOptions.defaults());
            System.out.println(clerk.answer("ada", "How much is in my savings account?"));
            System.out.println(clerk.answer("ada", "And in my current account?"));
        }
    }
}
