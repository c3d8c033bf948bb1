package io.jllm.examples;

import io.jllm.LLM;
import io.jllm.SamplingParams;
import io.jllm.chat.ChatOptions;
import io.jllm.chat.ChatOptions.WithoutTemplate;
import io.jllm.chat.Message;
import io.jllm.demo.DemoModel;
import io.jllm.schema.Description;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.List;
import java.util.Optional;

/** An answer that is a Java record. Arguments: an instruct model, a text; the demo model, which understands nothing, gives a record all the same. */
public final class JsonRecord {
    private JsonRecord() {
    }

    enum Currency { EUR, GBP, USD }

    record Item(String what, int count, double price) {
    }

    record Invoice(@Description("who sent it") String from, LocalDate date, Currency currency, List<Item> items, Optional<String> remark) {
    }

    /** Runs it. */
    public static void main(String[] args) {
        String text = args.length > 1 ? args[1] : "The Seven Dwarfs, 1 March 2024: three lanterns at 4.50 euros each, one pickaxe at 20.";
        var options = ChatOptions.builder().withoutTemplate(WithoutTemplate.CHATML).build();
        var params = SamplingParams.greedy().toBuilder().maxTokens(200).build(); // the answer is steered to its end before these are used up
        try (LLM llm = LLM.load(args.length > 0 ? Path.of(args[0]) : DemoModel.path()).open()) {
            Invoice invoice = llm.chat(List.of(Message.user("Write this invoice as JSON: " + text)), options, params, Invoice.class);
            System.out.println(invoice);
            invoice.items().forEach(i -> System.out.printf("%d x %s: %.2f %s%n", i.count(), i.what(), i.count() * i.price(), invoice.currency()));
        }
    }
}
