package io.jllm.examples.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.convert.FileType;
import io.jllm.cpu.layout.WeightFormat;
import io.jllm.cuda.kernels.DeviceFormat;
import io.jllm.quant.Codec;
import io.jllm.quant.DType;
import io.jllm.quant.Encoder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** The table of formats in the README is what the code says. {@code -Djllm.table=write} writes it. */
class FormatsTableTest {
    private static final Pattern TABLE = Pattern.compile("(?s)(?<=<!-- formats -->\n).*?(?=<!-- /formats -->)");
    private static final String HEAD = "| format | bits a weight | `llm quantize --type` | CPU | CUDA |\n|---|---|---|---|---|\n";

    @Test
    void readmeListsTheFormats() throws IOException {
        Path readme = root().resolve("README.md");
        String text = Files.readString(readme);
        Matcher there = TABLE.matcher(text);
        assertTrue(there.find(), "README.md has no place for the table of formats");
        var rows = new StringBuilder(HEAD);
        for (DType type : DType.values()) {
            if (type.ggmlId() >= 0 && Codec.of(type).isPresent()) {
                rows.append(row(type));
            }
        }
        if (System.getProperty("jllm.table", "").equals("write")) {
            Files.writeString(readme, there.replaceFirst(Matcher.quoteReplacement(rows.toString())));
            return;
        }
        assertEquals(rows.toString(), there.group(), "README.md's table of formats: -Djllm.table=write writes it anew");
    }

    private static String row(DType type) {
        String files = FileType.all().stream().filter(f -> f.type() == type).map(FileType::name).collect(Collectors.joining(", "));
        String written = !files.isEmpty() ? files : Encoder.of(type).isPresent() ? "in mixes" : "";
        String cpu = WeightFormat.of(type).isPresent() ? "kernels" : "exact, through floats";
        String cuda = DeviceFormat.of(type).isPresent() ? "kernels" : "refused";
        String bits = String.valueOf(8.0 * type.blockBytes() / type.blockElements()).replaceFirst("\\.0$", "").replaceFirst("(\\.\\d{3}).*", "$1");
        return "| " + type + " | " + bits + " | " + written + " | " + cpu + " | " + cuda + " |\n";
    }

    private static Path root() {
        Path p = Path.of("").toAbsolutePath();
        while (!Files.exists(p.resolve("llm-core/pom.xml"))) {
            p = p.getParent();
        }
        return p;
    }
}
