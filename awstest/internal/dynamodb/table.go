package dynamodb

import (
	"context"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

type keyElement struct{ AttributeName, KeyType string }

type attributeDefinition struct{ AttributeName, AttributeType string }

type projection struct {
	ProjectionType   string
	NonKeyAttributes []string `json:",omitempty"`
}

type throughput struct{ ReadCapacityUnits, WriteCapacityUnits int64 }

type throughputShape struct {
	ReadCapacityUnits, WriteCapacityUnits int64
	NumberOfDecreasesToday                int
}

type indexInput struct {
	IndexName             string
	KeySchema             []keyElement
	Projection            projection
	ProvisionedThroughput *throughput
}

type streamSpecification struct{ StreamEnabled bool }

type sseSpecification struct {
	Enabled        bool
	SSEType        string
	KMSMasterKeyID string `json:"KMSMasterKeyId"`
}

type tag struct{ Key, Value string }

// table is one table.
type table struct {
	key        tableKey
	id         string
	created    time.Time
	attributes []attributeDefinition
	primary    *index
	indexes    []*index
	onDemand   bool
	throughput throughput
	class      string
	protected  bool
	sse        *sseSpecification
	tags       map[string]string
	ttl        string // attribute, empty if items don't expire
	recovery   bool   // in time
	recoveryOf int    // days
	enabledAt  time.Time

	records map[string]*record
	bytes   int
	expiry  time.Time // before which no item expires; zero if none does
}

// all are the table's indexes, its own first.
func (t *table) all() []*index { return append([]*index{t.primary}, t.indexes...) }

func (t *table) indexOf(name string) *index {
	for _, x := range t.indexes {
		if x.name == name {
			return x
		}
	}
	return nil
}

func (t *table) typeOf(attribute string) kind {
	for _, d := range t.attributes {
		if d.AttributeName == attribute {
			return kind(d.AttributeType)
		}
	}
	return ""
}

var namePattern = regexp.MustCompile(`^[a-zA-Z0-9_.-]{3,255}$`)

func checkTableName(name string) error {
	if !namePattern.MatchString(name) {
		return invalid("1 validation error detected: Value '%s' at 'tableName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+ and have length between 3 and 255", name)
	}
	return nil
}

// find returns a table by its name or ARN, without what has expired. It is called with s.mu
// held.
func (s *Service) find(c *wire.Call, name string) (*table, error) {
	key := tableKey{c.Account, c.Region, name}
	if parts := strings.SplitN(name, ":", 6); len(parts) == 6 {
		key = tableKey{parts[4], parts[3], strings.TrimPrefix(parts[5], "table/")}
	} else if err := checkTableName(name); err != nil {
		return nil, err
	}
	t := s.tables[key]
	if t == nil {
		return nil, notFound("Requested resource not found: Table: %s not found", key.name)
	}
	s.expire(t)
	return t, nil
}

// edit calls fn with a table while s.mu is held.
func (s *Service) edit(c *wire.Call, name string, fn func(t *table) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.find(c, name)
	if err != nil {
		return err
	}
	return fn(t)
}

// expire drops the items whose time has come.
func (s *Service) expire(t *table) {
	now := s.clk.Now()
	if t.ttl == "" || t.expiry.IsZero() || now.Before(t.expiry) {
		return
	}
	t.expiry = time.Time{}
	for _, r := range slices.Collect(maps.Values(t.records)) {
		at, ok := r.expires(t.ttl)
		switch {
		case !ok:
		case now.Before(at):
			t.awaits(at)
		case now.Sub(at) <= maxOverdue:
			s.remove(t, r)
		}
	}
}

// awaits notes that an item expires then.
func (t *table) awaits(at time.Time) {
	if t.expiry.IsZero() || at.Before(t.expiry) {
		t.expiry = at
	}
}

// put puts an item into the table, in place of that with its key.
func (s *Service) put(t *table, it item) error {
	r := &record{key: t.keyOf(it), it: it, size: it.size()}
	if r.size > maxItem {
		return invalid("Item size has exceeded the maximum allowed size")
	}
	old := t.records[r.key]
	if s.bytes+r.size > maxStored && (old == nil || r.size > old.size) {
		return &wire.Error{Code: "LimitExceededException", Message: "This endpoint holds no more items."}
	}
	if old != nil {
		s.remove(t, old)
	}
	t.records[r.key] = r
	t.bytes += r.size
	s.bytes += r.size
	for _, x := range t.all() {
		x.add(r)
	}
	if at, ok := r.expires(t.ttl); ok {
		t.awaits(at)
	}
	return nil
}

func (s *Service) remove(t *table, r *record) {
	for _, x := range t.all() {
		x.remove(r)
	}
	delete(t.records, r.key)
	t.bytes -= r.size
	s.bytes -= r.size
}

// keyOf is the key of an item as one text.
func (t *table) keyOf(it item) string {
	key := it[t.primary.hash].key()
	if t.primary.sort != "" {
		key += it[t.primary.sort].key()
	}
	return key
}

type createTableInput struct {
	TableName                 string
	AttributeDefinitions      []attributeDefinition
	KeySchema                 []keyElement
	GlobalSecondaryIndexes    []indexInput
	LocalSecondaryIndexes     []indexInput
	BillingMode               string
	ProvisionedThroughput     *throughput
	StreamSpecification       *streamSpecification
	SSESpecification          *sseSpecification
	TableClass                string
	DeletionProtectionEnabled bool
	Tags                      []tag
	ResourcePolicy            string
}

type billingSummary struct {
	BillingMode                       string
	LastUpdateToPayPerRequestDateTime *wire.Time `json:",omitempty"`
}

type indexShape struct {
	IndexName             string
	IndexArn              string
	KeySchema             []keyElement
	Projection            projection
	IndexStatus           string           `json:",omitempty"`
	ProvisionedThroughput *throughputShape `json:",omitempty"`
	ItemCount             int
	IndexSizeBytes        int
}

type sseDescription struct{ Status, SSEType, KMSMasterKeyArn string }

type classSummary struct{ TableClass string }

type tableShape struct {
	TableName                 string
	TableArn                  string
	TableID                   string `json:"TableId"`
	TableStatus               string
	CreationDateTime          wire.Time
	AttributeDefinitions      []attributeDefinition
	KeySchema                 []keyElement
	ItemCount                 int
	TableSizeBytes            int
	ProvisionedThroughput     throughputShape
	BillingModeSummary        *billingSummary `json:",omitempty"`
	GlobalSecondaryIndexes    []indexShape    `json:",omitempty"`
	LocalSecondaryIndexes     []indexShape    `json:",omitempty"`
	SSEDescription            *sseDescription `json:",omitempty"`
	TableClassSummary         *classSummary   `json:",omitempty"`
	DeletionProtectionEnabled bool
}

type tableOutput struct{ TableDescription tableShape }

// describe describes the table. It is called with s.mu held.
func (t *table) describe(status string) tableShape {
	out := tableShape{
		TableName: t.key.name, TableArn: t.key.arn(), TableID: t.id, TableStatus: status, CreationDateTime: wire.At(t.created),
		AttributeDefinitions: t.attributes, KeySchema: t.primary.schema, ItemCount: len(t.records), TableSizeBytes: t.bytes,
		ProvisionedThroughput:     throughputShape{ReadCapacityUnits: t.throughput.ReadCapacityUnits, WriteCapacityUnits: t.throughput.WriteCapacityUnits},
		DeletionProtectionEnabled: t.protected,
	}
	if t.onDemand {
		out.BillingModeSummary = &billingSummary{"PAY_PER_REQUEST", new(wire.At(t.created))}
	}
	if t.class != "" {
		out.TableClassSummary = &classSummary{t.class}
	}
	if t.sse != nil && t.sse.Enabled {
		key := t.sse.KMSMasterKeyID
		if key == "" {
			key = "arn:" + wire.Partition(t.key.region) + ":kms:" + t.key.region + ":" + t.key.account + ":alias/aws/dynamodb"
		}
		out.SSEDescription = &sseDescription{"ENABLED", "KMS", key}
	}
	for _, x := range t.indexes {
		shape := indexShape{IndexName: x.name, IndexArn: t.key.arn() + "/index/" + x.name, KeySchema: x.schema, Projection: x.projection}
		for _, list := range x.partitions {
			shape.ItemCount += len(list)
		}
		if x.local {
			out.LocalSecondaryIndexes = append(out.LocalSecondaryIndexes, shape)
			continue
		}
		shape.IndexStatus = "ACTIVE"
		shape.ProvisionedThroughput = &throughputShape{ReadCapacityUnits: x.throughput.ReadCapacityUnits, WriteCapacityUnits: x.throughput.WriteCapacityUnits}
		out.GlobalSecondaryIndexes = append(out.GlobalSecondaryIndexes, shape)
	}
	return out
}

// checkSchema checks a key's attributes.
func (t *table) checkSchema(schema []keyElement) error {
	switch {
	case len(schema) == 0 || len(schema) > 2 || schema[0].KeyType != "HASH":
		return invalid("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")
	case len(schema) == 2 && schema[1].KeyType != "RANGE":
		return invalid("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type")
	case len(schema) == 2 && schema[0].AttributeName == schema[1].AttributeName:
		return invalid("Both the Hash Key and the Range Key element in the KeySchema have the same name")
	}
	for _, e := range schema {
		if t.typeOf(e.AttributeName) == "" {
			return invalid("One or more parameter values were invalid: Some index key attributes are not defined in AttributeDefinitions. Keys: [%s]", e.AttributeName)
		}
	}
	return nil
}

// addIndex adds a secondary index.
func (t *table) addIndex(in indexInput, local bool) error {
	if err := checkTableName(in.IndexName); err != nil {
		return err
	}
	if err := t.checkSchema(in.KeySchema); err != nil {
		return err
	}
	if t.indexOf(in.IndexName) != nil {
		return invalid("One or more parameter values were invalid: Duplicate index name: %s", in.IndexName)
	}
	if local && (in.KeySchema[0].AttributeName != t.primary.hash || len(in.KeySchema) != 2) {
		return invalid("One or more parameter values were invalid: Index KeySchema does not have the same leading hash key as table KeySchema for index: %s", in.IndexName)
	}
	x := newIndex(in.IndexName, in.KeySchema)
	x.local, x.projection = local, in.Projection
	switch x.projection.ProjectionType {
	case "ALL", "KEYS_ONLY", "INCLUDE":
	default:
		return invalid("One or more parameter values were invalid: Unknown ProjectionType: %s", x.projection.ProjectionType)
	}
	if in.ProvisionedThroughput != nil {
		x.throughput = *in.ProvisionedThroughput
	}
	for _, r := range t.records {
		x.add(r)
	}
	t.indexes = append(t.indexes, x)
	return nil
}

// checkAttributes reports attributes that are defined and no key has.
func (t *table) checkAttributes() error {
	for _, d := range t.attributes {
		switch d.AttributeType {
		case "S", "N", "B":
		default:
			return invalid("1 validation error detected: Value '%s' at 'attributeDefinitions.1.member.attributeType' failed to satisfy constraint: Member must satisfy enum value set: [B, N, S]", d.AttributeType)
		}
		used := slices.ContainsFunc(t.all(), func(x *index) bool { return x.hash == d.AttributeName || x.sort == d.AttributeName })
		if !used {
			return invalid("One or more parameter values were invalid: Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions")
		}
	}
	return nil
}

func (t *table) setBilling(mode string, p *throughput) error {
	switch mode {
	case "":
	case "PAY_PER_REQUEST":
		t.onDemand = true
		if p != nil && (p.ReadCapacityUnits != 0 || p.WriteCapacityUnits != 0) {
			return invalid("One or more parameter values were invalid: Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST")
		}
		t.throughput = throughput{}
	case "PROVISIONED":
		t.onDemand = false
	default:
		return invalid("1 validation error detected: Value '%s' at 'billingMode' failed to satisfy constraint: Member must satisfy enum value set: [PROVISIONED, PAY_PER_REQUEST]", mode)
	}
	if p != nil && !t.onDemand {
		t.throughput = *p
	}
	if !t.onDemand && (t.throughput.ReadCapacityUnits < 1 || t.throughput.WriteCapacityUnits < 1) {
		return invalid("One or more parameter values were invalid: ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED")
	}
	return nil
}

func (s *Service) createTable(_ context.Context, c *wire.Call, in *createTableInput) (*tableOutput, error) {
	if err := checkTableName(in.TableName); err != nil {
		return nil, err
	}
	switch {
	case in.StreamSpecification != nil && in.StreamSpecification.StreamEnabled:
		return nil, notServed("Streams of tables are")
	case in.ResourcePolicy != "":
		return nil, notServed("Policies of tables are")
	}
	t := &table{
		key: tableKey{c.Account, c.Region, in.TableName}, id: wire.NewUUID(), created: s.clk.Now(), attributes: in.AttributeDefinitions,
		class: in.TableClass, protected: in.DeletionProtectionEnabled, sse: in.SSESpecification, records: map[string]*record{},
	}
	if err := t.checkSchema(in.KeySchema); err != nil {
		return nil, err
	}
	t.primary = newIndex("", in.KeySchema)
	mode := in.BillingMode
	if mode == "" {
		mode = "PROVISIONED"
	}
	if err := t.setBilling(mode, in.ProvisionedThroughput); err != nil {
		return nil, err
	}
	for _, x := range in.LocalSecondaryIndexes {
		if err := t.addIndex(x, true); err != nil {
			return nil, err
		}
	}
	for _, x := range in.GlobalSecondaryIndexes {
		if err := t.addIndex(x, false); err != nil {
			return nil, err
		}
	}
	if len(in.LocalSecondaryIndexes) > 5 || len(in.GlobalSecondaryIndexes) > 20 {
		return nil, invalid("One or more parameter values were invalid: a table has at most 5 local and 20 global secondary indexes")
	}
	if err := t.checkAttributes(); err != nil {
		return nil, err
	}
	tags, err := addTags(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	t.tags = tags
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tables[t.key] != nil {
		return nil, inUse("Table already exists: %s", t.key.name)
	}
	if len(s.tables) >= maxTables {
		return nil, &wire.Error{Code: "LimitExceededException", Message: "Subscriber limit exceeded: Only 2500 tables can be created per region"}
	}
	s.tables[t.key] = t
	return &tableOutput{t.describe("CREATING")}, nil
}

type tableInput struct{ TableName string }

type describeTableOutput struct{ Table tableShape }

func (s *Service) describeTable(_ context.Context, c *wire.Call, in *tableInput) (out *describeTableOutput, err error) {
	err = s.edit(c, in.TableName, func(t *table) error {
		out = &describeTableOutput{t.describe("ACTIVE")}
		return nil
	})
	return out, err
}

func (s *Service) deleteTable(_ context.Context, c *wire.Call, in *tableInput) (out *tableOutput, err error) {
	err = s.edit(c, in.TableName, func(t *table) error {
		if t.protected {
			return invalid("Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.")
		}
		out = &tableOutput{t.describe("DELETING")}
		delete(s.tables, t.key)
		s.bytes -= t.bytes
		return nil
	})
	return out, err
}

type listTablesInput struct {
	ExclusiveStartTableName string
	Limit                   *int
}

type listTablesOutput struct {
	TableNames             []string
	LastEvaluatedTableName string `json:",omitempty"`
}

func (s *Service) listTables(_ context.Context, c *wire.Call, in *listTablesInput) (*listTablesOutput, error) {
	limit := 100
	if in.Limit != nil {
		if limit = *in.Limit; limit < 1 || limit > 100 {
			return nil, invalid("1 validation error detected: Value '%d' at 'limit' failed to satisfy constraint: Member must have value between 1 and 100", limit)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	names := []string{}
	for key := range s.tables {
		if key.account == c.Account && key.region == c.Region && key.name > in.ExclusiveStartTableName {
			names = append(names, key.name)
		}
	}
	slices.Sort(names)
	out := &listTablesOutput{TableNames: names[:min(limit, len(names))]}
	if len(names) > limit {
		out.LastEvaluatedTableName = names[limit-1]
	}
	return out, nil
}

type indexUpdate struct {
	Create *indexInput
	Update *struct {
		IndexName             string
		ProvisionedThroughput *throughput
	}
	Delete *struct{ IndexName string }
}

type updateTableInput struct {
	TableName                   string
	AttributeDefinitions        []attributeDefinition
	BillingMode                 string
	ProvisionedThroughput       *throughput
	GlobalSecondaryIndexUpdates []indexUpdate
	StreamSpecification         *streamSpecification
	SSESpecification            *sseSpecification
	TableClass                  string
	DeletionProtectionEnabled   *bool
	ReplicaUpdates              []struct{}
}

func (s *Service) updateTable(_ context.Context, c *wire.Call, in *updateTableInput) (out *tableOutput, err error) {
	switch {
	case in.StreamSpecification != nil && in.StreamSpecification.StreamEnabled:
		return nil, notServed("Streams of tables are")
	case len(in.ReplicaUpdates) > 0:
		return nil, notServed("Global tables are")
	}
	err = s.edit(c, in.TableName, func(old *table) error {
		t := *old // so that a refusal changes nothing
		t.indexes = slices.Clone(old.indexes)
		for _, d := range in.AttributeDefinitions {
			if t.typeOf(d.AttributeName) == "" {
				t.attributes = append(slices.Clone(t.attributes), d)
			}
		}
		if in.BillingMode != "" || in.ProvisionedThroughput != nil {
			if err := t.setBilling(in.BillingMode, in.ProvisionedThroughput); err != nil {
				return err
			}
		}
		for _, u := range in.GlobalSecondaryIndexUpdates {
			if err := t.updateIndex(u); err != nil {
				return err
			}
		}
		// what no key has any more
		t.attributes = slices.DeleteFunc(slices.Clone(t.attributes), func(d attributeDefinition) bool {
			return !slices.ContainsFunc(t.all(), func(x *index) bool { return x.hash == d.AttributeName || x.sort == d.AttributeName })
		})
		if in.SSESpecification != nil {
			t.sse = in.SSESpecification
		}
		if in.TableClass != "" {
			t.class = in.TableClass
		}
		if in.DeletionProtectionEnabled != nil {
			t.protected = *in.DeletionProtectionEnabled
		}
		*old = t
		out = &tableOutput{old.describe("UPDATING")}
		return nil
	})
	return out, err
}

func (t *table) updateIndex(u indexUpdate) error {
	switch {
	case u.Create != nil:
		return t.addIndex(*u.Create, false)
	case u.Delete != nil:
		x := t.indexOf(u.Delete.IndexName)
		if x == nil || x.local {
			return notFound("Requested resource not found")
		}
		t.indexes = slices.DeleteFunc(t.indexes, func(o *index) bool { return o == x })
	case u.Update != nil:
		x := t.indexOf(u.Update.IndexName)
		if x == nil || x.local {
			return notFound("Requested resource not found")
		}
		if u.Update.ProvisionedThroughput != nil {
			x.throughput = *u.Update.ProvisionedThroughput
		}
	}
	return nil
}
