package io.jllm.langchain4j.examples;

import dev.langchain4j.data.document.loader.FileSystemDocumentLoader;
import dev.langchain4j.data.document.splitter.DocumentSplitters;
import dev.langchain4j.data.segment.TextSegment;
import dev.langchain4j.rag.content.retriever.EmbeddingStoreContentRetriever;
import dev.langchain4j.service.AiServices;
import dev.langchain4j.service.Result;
import dev.langchain4j.store.embedding.EmbeddingStoreIngestor;
import dev.langchain4j.store.embedding.inmemory.InMemoryEmbeddingStore;
import io.jllm.LLM;
import io.jllm.chat.ChatOptions;
import io.jllm.langchain4j.JllmChatModel;
import io.jllm.langchain4j.JllmEmbeddingModel;
import java.nio.file.Path;

/** Questions about a folder of texts: their pieces become vectors in memory, and the model is told the pieces that are nearest to a question. */
public final class AskFolder {
    private static final int PIECE = 300;
    private static final int OVERLAP = 30;
    private static final int NEAREST = 2;

    private AskFolder() {
    }

    /** What the service does; LangChain4j writes the class. */
    public interface Reader {
        /** @return the answer, and the pieces that it was given */
        Result<String> ask(String question);
    }

    /**
     * The service over a folder.
     *
     * @param embedder makes the vectors; a model that was trained for that does it best
     */
    static Reader over(Path folder, JllmEmbeddingModel embedder, LLM llm, ChatOptions options) {
        var store = new InMemoryEmbeddingStore<TextSegment>();
        EmbeddingStoreIngestor.builder().documentSplitter(DocumentSplitters.recursive(PIECE, OVERLAP)).embeddingModel(embedder).embeddingStore(store)
                .build().ingest(FileSystemDocumentLoader.loadDocuments(folder));
        return AiServices.builder(Reader.class)
                .chatModel(JllmChatModel.builder(llm).chatOptions(options).temperature(0).build())
                .contentRetriever(EmbeddingStoreContentRetriever.builder().embeddingStore(store).embeddingModel(embedder).maxResults(NEAREST).build())
                .build();
    }

    public static void main(String[] args) {
        try (LLM vectors = LLM.load(Path.of(args[1])).open(); LLM llm = LLM.load(Path.of(args[2])).open()) {
            Result<String> answer = over(Path.of(args[0]), JllmEmbeddingModel.builder(vectors).build(), llm, ChatOptions.defaults()).ask(args[3]);
            System.out.println(answer.content());
            answer.sources().forEach(s -> System.out.println("  from " + s.textSegment().metadata().getString("file_name")));
        }
    }
}
