package io.jllm.jmh.compare;

import com.google.gson.JsonObject;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeSet;
import java.util.regex.Pattern;

/** Draws rows of results: bars of ours and of each peer's, prompts to the left and generation to the right. */
final class Chart {
    private static final int LABELS = 250;
    private static final int PANEL = 330;
    private static final int NUMBERS = 90;
    private static final int TOP = 64;
    private static final int BAR = 14;
    private static final int GAP = 12;
    private static final String OURS = "jLLM";
    private static final List<String> COLORS = List.of("#1f6feb", "#9a9a9a", "#d0a040", "#70a080", "#a070a0");

    /** Speeds by program, ours first. */
    private record Group(String label, Map<String, Double> pp, Map<String, Double> tg) {
    }

    private Chart() {
    }

    /**
     * A chart of the newest row of each label and peer.
     *
     * @param labels which rows, by a part of their label
     */
    static String svg(List<JsonObject> rows, String labels) {
        var groups = new LinkedHashMap<String, Group>();
        Pattern wanted = Pattern.compile(labels);
        for (JsonObject row : rows) {
            String label = Rows.text(row, "label");
            if (!label.isEmpty() && wanted.matcher(label).find()) {
                Group g = groups.computeIfAbsent(label, l -> new Group(l, new LinkedHashMap<>(), new LinkedHashMap<>()));
                put(g.pp, OURS, row, "pp");
                put(g.tg, OURS, row, "tg");
                put(g.pp, Rows.text(row, "peer"), row, "peer_pp");
                put(g.tg, Rows.text(row, "peer"), row, "peer_tg");
            }
        }
        if (groups.isEmpty()) {
            throw new IllegalArgumentException("no row has a label with " + labels + " in it");
        }
        return draw(List.copyOf(groups.values()));
    }

    private static void put(Map<String, Double> speeds, String program, JsonObject row, String key) {
        if (row.has(key) && row.get(key).isJsonPrimitive()) {
            speeds.put(program, row.get(key).getAsDouble());
        }
    }

    private static String draw(List<Group> groups) {
        List<String> programs = programs(groups);
        var svg = new StringBuilder();
        int height = TOP + GAP;
        for (Group g : groups) {
            height += bars(g, programs).size() * BAR + GAP;
        }
        int width = LABELS + 2 * (PANEL + NUMBERS);
        svg.append("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"").append(width).append("\" height=\"").append(height)
                .append("\" viewBox=\"0 0 ").append(width).append(' ').append(height)
                .append("\" font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n");
        int x = 10;
        for (String program : programs) {
            rectangle(svg, x, 10, 12, 12, color(programs, program));
            text(svg, x + 17, 21, "start", program);
            x += 40 + 7 * program.length();
        }
        text(svg, LABELS, TOP - 14, "start", "prompt, tokens/s");
        text(svg, LABELS + PANEL + NUMBERS, TOP - 14, "start", "generation, tokens/s");
        double mostPp = groups.stream().flatMap(g -> g.pp.values().stream()).mapToDouble(v -> v).max().orElse(1);
        double mostTg = groups.stream().flatMap(g -> g.tg.values().stream()).mapToDouble(v -> v).max().orElse(1);
        int y = TOP;
        for (Group g : groups) {
            List<String> shown = bars(g, programs);
            text(svg, LABELS - 10, y + shown.size() * BAR / 2 + 4, "end", g.label);
            for (String program : shown) {
                bar(svg, LABELS, y, g.pp, program, mostPp, programs);
                bar(svg, LABELS + PANEL + NUMBERS, y, g.tg, program, mostTg, programs);
                y += BAR;
            }
            y += GAP;
        }
        return svg.append("</svg>\n").toString();
    }

    private static List<String> programs(List<Group> groups) {
        var peers = new TreeSet<String>();
        groups.forEach(g -> {
            peers.addAll(g.pp.keySet());
            peers.addAll(g.tg.keySet());
        });
        peers.remove(OURS);
        var all = new ArrayList<>(List.of(OURS));
        all.addAll(peers);
        return all;
    }

    private static List<String> bars(Group g, List<String> programs) {
        return programs.stream().filter(p -> g.pp.containsKey(p) || g.tg.containsKey(p)).toList();
    }

    private static String color(List<String> programs, String program) {
        return COLORS.get(programs.indexOf(program) % COLORS.size());
    }

    private static void bar(StringBuilder svg, int x, int y, Map<String, Double> speeds, String program, double most, List<String> programs) {
        Double speed = speeds.get(program);
        if (speed != null) {
            int length = (int) Math.max(1, Math.round(PANEL * speed / most));
            rectangle(svg, x, y, length, BAR - 2, color(programs, program));
            text(svg, x + length + 5, y + BAR - 4, "start", String.format(Locale.ROOT, speed < 100 ? "%.1f" : "%.0f", speed));
        }
    }

    private static void rectangle(StringBuilder svg, int x, int y, int width, int height, String color) {
        svg.append("<rect x=\"").append(x).append("\" y=\"").append(y).append("\" width=\"").append(width).append("\" height=\"").append(height)
                .append("\" fill=\"").append(color).append("\"/>\n");
    }

    private static void text(StringBuilder svg, int x, int y, String anchor, String text) {
        svg.append("<text x=\"").append(x).append("\" y=\"").append(y).append("\" text-anchor=\"").append(anchor).append("\">")
                .append(text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")).append("</text>\n");
    }
}
